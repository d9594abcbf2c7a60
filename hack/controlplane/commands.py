"""The command lines of the three servers, and why each flag is there. Pure: paths and ports in, arguments out."""

from pathlib import Path

from controlplane.pki import SERVICE_ADDRESS, Pki

HOST = "127.0.0.1"

# What the control plane of a cluster without nodes has to do by itself: empty deleted namespaces, collect orphans, give
# each namespace its service account and CA bundle, merge aggregated roles, make a quota's limits count.
CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
)


def etcd(*, data: Path, pki: Pki, port: int) -> list[str]:
    """Return the arguments of an etcd that only holders of a certificate of `pki` can use."""
    url = f"https://{HOST}:{port}"
    return [
        f"--data-dir={data}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        # A single member has no peers, yet etcd insists on a listener; port 0 is any free one.
        f"--listen-peer-urls=http://{HOST}:0",
        f"--cert-file={pki.server.certificate}",
        f"--key-file={pki.server.key}",
        f"--trusted-ca-file={pki.authority}",
        "--client-cert-auth",
        # The gateway would call etcd itself with the server's certificate, which is good for serving only.
        "--enable-grpc-gateway=false",
        # A killed process loses nothing it has written; only a machine that loses power does, and with it this plane.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(*, pki: Pki, port: int, etcd_port: int, scratch: Path) -> list[str]:
    """Return the arguments of an API server with RBAC, certificates and service account tokens."""
    service_network = SERVICE_ADDRESS.rsplit(".", 1)[0] + ".0/24"
    return [
        f"--etcd-servers=https://{HOST}:{etcd_port}",
        f"--etcd-cafile={pki.authority}",
        f"--etcd-certfile={pki.etcd_client.certificate}",
        f"--etcd-keyfile={pki.etcd_client.key}",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki.server.certificate}",
        f"--tls-private-key-file={pki.server.key}",
        f"--client-ca-file={pki.authority}",
        f"--cert-dir={scratch}",  # its default lies outside of the plane's folder
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki.service_accounts}",
        f"--service-account-signing-key-file={pki.service_accounts}",
        f"--service-cluster-ip-range={service_network}",
        # Without it an ending API server waits a whole minute for the watches of its clients to end by themselves.
        "--shutdown-watch-termination-grace-period=1s",
        # There is no pod to find the API server through the `kubernetes` Service, whose endpoint may not be a loopback
        # address: without this, an error is logged every ten seconds.
        "--endpoint-reconciler-type=none",
    ]


def controllers(*, pki: Pki, kubeconfig: Path) -> list[str]:
    """Return the arguments of a controller manager that runs `CONTROLLERS` and nothing else."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--root-ca-file={pki.authority}",
        f"--service-account-private-key-file={pki.service_accounts}",
        "--use-service-account-credentials",  # only these have the rights, each controller its own
        "--secure-port=0",
        "--leader-elect=false",  # it is alone
        # Tests delete thousands of objects; the default of 20 requests a second is meant for a shared API server.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]
