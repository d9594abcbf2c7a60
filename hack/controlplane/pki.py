"""The plane's certificates: one authority, and what it signs. Nothing here knows a port or a process.

Elliptic keys, because they take milliseconds. Extensions are complete enough for `VERIFY_X509_STRICT`, which Python
sets by default since 3.13 (https://docs.python.org/3/library/ssl.html#ssl.create_default_context).
"""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = dt.timedelta(days=365)
CLOCK_SLACK = dt.timedelta(minutes=5)
SERVICE_ADDRESS = "10.96.0.1"  # the first address of the service range, by which pods know the API server
_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_ADDRESSES = ("127.0.0.1", SERVICE_ADDRESS)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, two PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """The files a plane needs.

    `server` is shown by the API server and by etcd, to which the API server also shows `etcd_client`. `admin` is a
    member of system:masters, `controllers` is system:kube-controller-manager. `service_accounts` signs tokens.
    """

    authority: Path
    server: Pair
    etcd_client: Pair
    admin: Pair
    controllers: Pair
    service_accounts: Path


def make(folder: Path) -> Pki:
    """Make a new authority and all it signs in a folder that does not exist yet.

    One authority serves both etcd and the API server's clients, so any client certificate it signs opens etcd: it
    signs none but these.
    """
    folder.mkdir(mode=0o700, parents=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("imageferry control plane")
    authority = (
        _builder(subject=name, issuer=name, key=key.public_key(), signer=key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority_file = folder / "authority.crt"
    authority_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    signer = _Signer(folder=folder, name=name, key=key)
    service_accounts = folder / "service-accounts.key"
    _write_key(service_accounts, ec.generate_private_key(ec.SECP256R1()))
    return Pki(
        authority=authority_file,
        server=signer.sign("server", _name("kube-apiserver"), ExtendedKeyUsageOID.SERVER_AUTH),
        etcd_client=signer.sign("etcd-client", _name("kube-apiserver-etcd-client"), ExtendedKeyUsageOID.CLIENT_AUTH),
        admin=signer.sign("admin", _name("admin", group="system:masters"), ExtendedKeyUsageOID.CLIENT_AUTH),
        controllers=signer.sign(
            "controllers", _name("system:kube-controller-manager"), ExtendedKeyUsageOID.CLIENT_AUTH
        ),
        service_accounts=service_accounts,
    )


@dataclass(frozen=True, slots=True)
class _Signer:
    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    def sign(self, file_name: str, subject: x509.Name, usage: x509.ObjectIdentifier) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(subject=subject, issuer=self.name, key=key.public_key(), signer=self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if usage == ExtendedKeyUsageOID.SERVER_AUTH:
            names = [x509.DNSName(name) for name in _NAMES]
            addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
            builder = builder.add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        pair = Pair(certificate=self.folder / f"{file_name}.crt", key=self.folder / f"{file_name}.key")
        pair.certificate.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        _write_key(pair.key, key)
        return pair


def _builder(
    *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _name(common_name: str, *, group: str = "") -> x509.Name:
    # Kubernetes reads the user from the common name and the groups from the organization.
    # https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if group:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
