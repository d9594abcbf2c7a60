from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_credentials.provider import OIDCRoleArnCredentialsProvider
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.emulator.cloud import Answer, Signer, assume_with_token, assumed, oidc_token, sts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator_process import EmulatorProcess


def test_a_service_accounts_token_buys_a_key(slow_emulator: EmulatorProcess) -> None:
    """Unsigned, with the token alone; the key is good and the answer tells what the token said."""
    answer = assume_with_token(slow_emulator, oidc_token(slow_emulator))
    by = assumed(answer)
    told = answer.body["OIDCTokenInfo"]
    assert (told["Issuer"], told["ClientIds"]) == (slow_emulator.info["oidcIssuer"], "sts.aliyuncs.com")
    assert told["Subject"] == "system:serviceaccount:imageferry:imageferry"
    assert sts(slow_emulator, "GetCallerIdentity", by).body["Arn"].endswith("/imageferry-operator/session")


def test_the_vendors_library_buys_a_key(slow_emulator: EmulatorProcess, tmp_path: Path) -> None:
    """The credentials library reads the token from its file and gets a key that works."""
    file = tmp_path / "token"
    file.write_text(oidc_token(slow_emulator))
    provider = OIDCRoleArnCredentialsProvider(
        role_arn=slow_emulator.info["roles"]["operator"],
        oidc_provider_arn=slow_emulator.info["oidcProviderARN"],
        oidc_token_file_path=str(file),
        role_session_name="library",
        sts_endpoint=slow_emulator.endpoint,
    )
    key = provider.get_credentials()
    by = Signer(key.get_access_key_id(), key.get_access_key_secret(), token=key.get_security_token())
    assert sts(slow_emulator, "GetCallerIdentity", by).body["Arn"].endswith("/library")


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


CLAIMS: dict[str, tuple[dict[str, Any], int, str]] = {
    "of another issuer": ({"iss": "https://elsewhere"}, 401, "AuthenticationFail.OIDCToken.IssuerNotMatch"),
    "for another audience": ({"aud": "sts.example"}, 401, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
    "that has expired": ({"expiresIn": -1}, 401, "AuthenticationFail.OIDCToken.Expired"),
    "of a subject that the role does not trust": ({"sub": "somebody"}, 401, "AuthenticationFail.NoPermission"),
}


@pytest.mark.parametrize(("claims", "status", "code"), CLAIMS.values(), ids=CLAIMS)
def test_nothing_is_bought_with_a_token(
    slow_emulator: EmulatorProcess, claims: dict[str, Any], status: int, code: str
) -> None:
    """What a token says is held against the provider and the role's trust; each flaw has its documented code."""
    answer = assume_with_token(slow_emulator, oidc_token(slow_emulator, **claims))
    assert (answer.status, answer.code) == (status, code)


GARBLED = {
    "nothing": "",
    "two parts": "a.b",
    "parts that are no base64": "ä.b.c",
    "parts that are no JSON": "YQ.YQ.YQ",
    "a secret shared instead of a key": f"{_part({'alg': 'HS256'})}.{_part({'iss': 'x'})}.YQ",
    "claims without an end": f"{_part({'alg': 'RS256'})}.{_part({'iss': 'x', 'sub': 'y', 'aud': 'z'})}.YQ",
}


@pytest.mark.parametrize("token", GARBLED.values(), ids=GARBLED)
def test_nothing_is_bought_with(slow_emulator: EmulatorProcess, token: str) -> None:
    """What is no token is called so."""
    answer = assume_with_token(slow_emulator, token)
    assert (answer.status, answer.code) == (401, "AuthenticationFail.OIDCToken.Invalid")


def test_a_changed_token_is_noticed(slow_emulator: EmulatorProcess) -> None:
    """The signature covers every claim."""
    header, _, signature = oidc_token(slow_emulator).split(".")
    claims = {"iss": slow_emulator.info["oidcIssuer"], "sub": "admin", "aud": "sts.aliyuncs.com", "exp": 1e10}
    answer = assume_with_token(slow_emulator, f"{header}.{_part(claims)}.{signature}")
    assert (answer.status, answer.code) == (401, "AuthenticationFail.OIDCToken.InvalidSignature")


REFUSED: dict[str, tuple[dict[str, str], int, str]] = {
    "no role": ({"RoleArn": ""}, 400, "MissingParameter.RoleArn"),
    "no provider": ({"OIDCProviderArn": ""}, 400, "MissingParameter.OIDCProviderArn"),
    "an unknown provider": ({"OIDCProviderArn": "acs:ram::1:oidc-provider/x"}, 401, "AuthenticationFail.NoPermission"),
    "an unknown role": ({"RoleArn": "acs:ram::1000000000000001:role/nobody"}, 404, "EntityNotExist.Role"),
    "a role that is no ARN": ({"RoleArn": "operator"}, 400, "InvalidParameter.RoleArn"),
    "a session that is too short": ({"DurationSeconds": "60"}, 400, "InvalidParameter.DurationSeconds"),
}


@pytest.mark.parametrize(("changes", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_good_token_buys_nothing_with(
    slow_emulator: EmulatorProcess, changes: dict[str, str], status: int, code: str
) -> None:
    """Each flaw of the rest of the request has its documented code."""
    answer = assume_with_token(slow_emulator, oidc_token(slow_emulator), **changes)
    assert (answer.status, answer.code) == (status, code)


def _with_own_key(emulator: EmulatorProcess, key: rsa.RSAPrivateKey, kid: str) -> Answer:
    claims = {
        "iss": "https://own",
        "sub": "system:serviceaccount:a:b",
        "aud": ["sts.aliyuncs.com"],
        "exp": 10_000_000_000,
    }
    text = f"{_part({'alg': 'RS256', 'kid': kid})}.{_part(claims)}"
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    token = f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    provider = f"acs:ram::{emulator.info['accountID']}:oidc-provider/own"
    return assume_with_token(emulator, token, OIDCProviderArn=provider, RoleArn=_own_role(emulator))


def _own_role(emulator: EmulatorProcess) -> str:
    return f"acs:ram::{emulator.info['accountID']}:role/own"


def test_a_cluster_of_ones_own_is_trusted_by_its_public_key(emulator: EmulatorProcess) -> None:
    """A provider can be given keys as a cluster publishes them; a token by any other key is refused."""
    key, stranger = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    numbers = key.public_key().public_numbers()
    account = emulator.info["accountID"]
    jwk = {
        "kty": "RSA",
        "kid": "k1",
        "n": base64.urlsafe_b64encode(numbers.n.to_bytes(256, "big")).rstrip(b"=").decode(),
        "e": base64.urlsafe_b64encode(numbers.e.to_bytes(3, "big")).decode(),
    }
    statement = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Federated": f"acs:ram::{account}:oidc-provider/own"},
        "Condition": {"StringEquals": {"oidc:sub": "system:serviceaccount:a:b", "oidc:iss": "https://own"}},
    }
    own = {"name": "own", "issuer": "https://own", "clientIDs": ["sts.aliyuncs.com"], "keys": [jwk]}
    role = {"name": "own", "trust": {"Version": "1", "Statement": [statement]}, "policies": ["AdministratorAccess"]}
    emulator.admin("POST", "/accounts", {"id": account, "oidcProviders": [own], "roles": [role]})
    assert _with_own_key(emulator, key, "k1").status == 200
    assert _with_own_key(emulator, stranger, "k1").code == "AuthenticationFail.OIDCToken.InvalidSignature"
    assert _with_own_key(emulator, key, "k2").code == "AuthenticationFail.OIDCToken.InvalidSignature"


def test_the_issuers_key_is_published_and_survives_a_kill(emulator: EmulatorProcess) -> None:
    """Tokens verify against the published key by somebody else's mathematics, and are good after a SIGKILL."""
    token, (jwk,) = oidc_token(emulator), emulator.admin("GET", "/oidc-keys")["keys"]
    n, e = (int.from_bytes(base64.urlsafe_b64decode(jwk[part] + "=="), "big") for part in ("n", "e"))
    text, _, signature = token.rpartition(".")
    public = rsa.RSAPublicNumbers(e, n).public_key()
    public.verify(base64.urlsafe_b64decode(signature + "=="), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    emulator.listen_on_same_port()
    emulator.kill()
    emulator.start()
    assert assume_with_token(emulator, token).status == 200
