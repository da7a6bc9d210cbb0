"""A real kube-apiserver and etcd for tests: find or build the binaries, start them, stop them whatever happens.

Processes belong to a supervisor, which is this file run as a script. Every test process holds a shared lock on a file
of the supervisor's folder; when nobody holds it any more (test run over, or killed), the supervisor stops the servers
by process id. If the supervisor itself is killed, the kernel kills the servers. So xdist workers share one control
plane and no crash leaves one behind.
"""

# runs real processes: it needs the real environment and the real clock

from __future__ import annotations

import base64
import contextlib
import ctypes
import fcntl
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

VERSION = "v1.34.4"
MODULE = Path(__file__).parent / "control_plane"
CRDS = Path(__file__).parents[2] / "deploy" / "crds"
BINARIES = ("kube-apiserver", "etcd")
ADMIN_TOKEN = "admin-token-of-a-test-control-plane"
BUILD_TIMEOUT_S = 1800
READY_TIMEOUT_S = 90
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}
"""What ServiceAccounts ask for is on record: the rights of the controller are proven with it."""


Say = Callable[[str], None]


class MissingControlPlane(Exception):
    """No binaries and no way to build them; the text says what to do."""


# -- binaries


def find_binaries(say: Say) -> Path:
    """Return the folder of the binaries: KUBEBUILDER_ASSETS, the user's cache, or a fresh build into it."""
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        if _is_complete(Path(assets)):
            return Path(assets)
        raise MissingControlPlane(f"KUBEBUILDER_ASSETS={assets} does not hold {' and '.join(BINARIES)}")
    cache = _cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        if not _is_complete(cache):
            _build(cache, say)
    return cache


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "kubectl-asm" / f"control-plane-{VERSION}"


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in BINARIES)


def _build(target: Path, say: Say) -> None:
    go = shutil.which("go")
    if go is None:
        raise MissingControlPlane(
            "live tests need kube-apiserver and etcd: set KUBEBUILDER_ASSETS to a folder that holds them, "
            "or install Go 1.24 or newer"
        )
    say("building kube-apiserver and etcd for the live tests; the first time takes about five minutes")
    major, minor, _ = VERSION.removeprefix("v").split(".")
    version = "k8s.io/component-base/version.git"
    flags = f"-s -w -X {version}Version={VERSION} -X {version}Major={major} -X {version}Minor={minor}"
    scratch = target / "building"
    scratch.mkdir(exist_ok=True)
    command = [go, "build", "-o", f"{scratch}/", "-ldflags", flags, *(f"./{name}" for name in BINARIES)]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        command, cwd=MODULE, env=environment, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise MissingControlPlane(f"the control plane does not build: {done.stderr[-2000:]}")
    for name in BINARIES:
        (scratch / name).rename(target / name)
    scratch.rmdir()


# -- what tests see


@dataclass(frozen=True)
class ControlPlane:
    """A running API server. kubeconfig: admin; folder: its certificates and logs; etcd: address of its storage."""

    server: str
    folder: Path
    etcd: str
    binaries: Path

    @property
    def ca_file(self) -> Path:
        """The CA that signed the server's certificate."""
        return self.folder / "server-ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of a member of system:masters."""
        return self.folder / "admin.kubeconfig"

    @property
    def token(self) -> str:
        """The bearer token of that member."""
        return ADMIN_TOKEN

    def audited(self, user: str) -> list[dict]:
        """Return the attributes of every finished request of a user; a watch is finished when it ends."""
        log = self.folder / "audit.log"
        events = (json.loads(line) for line in log.read_text().splitlines()) if log.exists() else ()
        return [event for event in events if event["user"]["username"] == user]

    def request(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> dict:
        """Make an admin request without any of the product's code; returns the decoded body."""
        return _request(self.server, self.ca_file, method, path, body, content_type)

    def write_kubeconfig(self, path: Path, user: dict, *, namespace: str = "default", server: str = "") -> Path:
        """Write a kubeconfig with the given user entry."""
        ca = base64.b64encode(self.ca_file.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server or self.server, "certificate-authority-data": ca}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
        }
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return path

    def certificate_user(self, name: str, groups: tuple[str, ...] = ()) -> dict:
        """Return a kubeconfig user entry for any user name: a client certificate signed by the control plane's client CA."""
        certificate, key = _issue(self.folder, name, groups)
        return {
            "client-certificate-data": base64.b64encode(certificate).decode(),
            "client-key-data": base64.b64encode(key).decode(),
        }

    def spare_server(self, port: int = 0) -> subprocess.Popen:
        """Start one more API server on the same storage, for tests that stop it; the caller terminates it."""
        return _start_apiserver(self.binaries, self.folder, self.etcd, port or free_port())


@contextlib.contextmanager
def shared(root: Path, say: Say = print, *, flags: Sequence[str] = ()) -> Iterator[ControlPlane]:
    """Join the control plane of a folder, starting it when this process is the first. flags: more of the API server."""
    binaries = find_binaries(say)
    folder = root / "control-plane"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with _locked(folder / "start"):
            state = folder / "state.json"
            if not state.exists():
                _supervise_in_background(folder, binaries, flags)
            found = json.loads(state.read_text())
        yield ControlPlane(found["server"], folder, found["etcd"], binaries)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Poll until the condition holds; raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def is_ready(server: str, ca_file: Path) -> bool:
    """Whether the API server answers /readyz with ok."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        with urllib.request.urlopen(f"{server}/readyz", context=context, timeout=2) as response:
            return response.status == 200
    except (OSError, ssl.SSLError):
        return False


# -- the supervisor


def _supervise_in_background(folder: Path, binaries: Path, flags: Sequence[str]) -> None:
    """Start the supervisor; its foreground half returns when the API server is ready."""
    log = folder / "supervisor.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, __file__, str(folder), str(binaries), *flags],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            timeout=READY_TIMEOUT_S + 30,
            check=False,
            start_new_session=True,
        )
    if done.returncode:
        raise RuntimeError(f"the control plane does not start:\n{log.read_text()[-4000:]}")


def detach_and_supervise(folder: Path, binaries: Path, flags: Sequence[str] = ()) -> int:
    """Fork: the child supervises, the parent says whether it came up. Returns the parent's exit code."""
    child = os.fork()
    if child == 0:
        supervise(folder, binaries, flags)
        return 0

    def settled() -> bool:
        return (folder / "state.json").exists() or os.waitpid(child, os.WNOHANG) != (0, 0)

    wait_until(settled, timeout_s=READY_TIMEOUT_S, what="the control plane did not become ready")
    return 0 if (folder / "state.json").exists() else 1


def supervise(folder: Path, binaries: Path, flags: Sequence[str] = ()) -> None:
    """Run the servers until no test process holds the users lock."""
    _make_certificates(folder)
    etcd_url = f"http://127.0.0.1:{free_port()}"
    processes = []
    try:
        processes.append(_start_etcd(binaries, folder, etcd_url))
        port = free_port()
        processes.append(_start_apiserver(binaries, folder, etcd_url, port, flags))
        server = f"https://127.0.0.1:{port}"
        wait_until(lambda: is_ready(server, folder / "server-ca.crt"), timeout_s=READY_TIMEOUT_S, what="kube-apiserver not ready")
        _install_crds(server, folder / "server-ca.crt")
        control_plane = ControlPlane(server, folder, etcd_url, binaries)
        control_plane.write_kubeconfig(folder / "admin.kubeconfig", {"token": ADMIN_TOKEN})
        state = folder / "state.json"
        state.with_suffix(".new").write_text(json.dumps({"server": server, "etcd": etcd_url}))
        state.with_suffix(".new").rename(state)
        with (folder / "users").open("a") as users:
            while not _try_lock(users) and all(process.poll() is None for process in processes):
                time.sleep(0.3)
            state.unlink()
    finally:
        stop(*reversed(processes))
        shutil.rmtree(folder / "etcd", ignore_errors=True)


def stop(*processes: subprocess.Popen) -> None:
    """Stop processes by id: politely, then not."""
    for process in processes:
        if process.poll() is not None:
            continue
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _try_lock(handle: object) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent is gone (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _spawn(command: list[str], log: Path) -> subprocess.Popen:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # one system call, no locks
            cwd=log.parent,
        )


def _start_etcd(binaries: Path, folder: Path, url: str) -> subprocess.Popen:
    command = [
        str(binaries / "etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        "--unsafe-no-fsync",
    ]
    return _spawn(command, folder / "etcd.log")


def _start_apiserver(binaries: Path, folder: Path, etcd: str, port: int, flags: Sequence[str] = ()) -> subprocess.Popen:
    command = [
        str(binaries / "kube-apiserver"),
        f"--etcd-servers={etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--client-ca-file={folder / 'client-ca.crt'}",
        f"--cert-dir={folder}",
        f"--service-account-key-file={folder / 'service-account.key'}",
        f"--service-account-signing-key-file={folder / 'service-account.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=RBAC",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        "--watch-cache=true",
        f"--audit-policy-file={folder / 'audit-policy.json'}",
        f"--audit-log-path={folder / 'audit.log'}",
        *flags,
    ]
    return _spawn(command, folder / "kube-apiserver.log")


# -- certificates and custom resources


def _make_certificates(folder: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    for name in ("server-ca", "client-ca"):
        _write_pair(folder / name, *_certificate(f"test {name}", is_ca=True))
    addresses = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    _write_pair(folder / "server", *_certificate("kube-apiserver", issuer=folder / "server-ca", extension=addresses))
    (folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY))
    (folder / "service-account.key").write_bytes(_pem_key(rsa.generate_private_key(65537, 2048)))
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')


def _issue(folder: Path, name: str, groups: tuple[str, ...]) -> tuple[bytes, bytes]:
    return _certificate(name, groups=groups, issuer=folder / "client-ca")


def _certificate(
    name: str, *, groups: tuple[str, ...] = (), issuer: Path | None = None, is_ca: bool = False, extension: object = None
) -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    oid = x509.oid.NameOID
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [*(x509.NameAttribute(oid.ORGANIZATION_NAME, group) for group in groups), x509.NameAttribute(oid.COMMON_NAME, name)]
    )
    parent, signer = subject, key
    if issuer is not None:
        parent = x509.load_pem_x509_certificate(issuer.with_suffix(".crt").read_bytes()).subject
        signer = serialization.load_pem_private_key(issuer.with_suffix(".key").read_bytes(), None)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM), _pem_key(key)


def _pem_key(key: object) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _write_pair(stem: Path, certificate: bytes, key: bytes) -> None:
    stem.with_suffix(".crt").write_bytes(certificate)
    stem.with_suffix(".key").write_bytes(key)


def _request(server: str, ca_file: Path, method: str, path: str, body: object, content_type: str) -> dict:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": content_type, "Accept": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server}{path}", data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(ca_file)), timeout=10) as response:
        return json.loads(response.read() or b"{}")


def _install_crds(server: str, ca_file: Path) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    names = []
    for file in sorted(CRDS.glob("*.yaml")):
        manifest = yaml.safe_load(file.read_text())
        _request(server, ca_file, "POST", path, manifest, "application/json")
        names.append((manifest["metadata"]["name"], manifest["spec"]["names"]["plural"]))

    def served() -> bool:
        try:
            for _, plural in names:
                _request(server, ca_file, "GET", f"/apis/alibabacloud.com/v1alpha1/{plural}", None, "application/json")
        except urllib.error.HTTPError:
            return False
        return True

    wait_until(served, timeout_s=30, what="the custom resources are not served")


if __name__ == "__main__":
    sys.exit(detach_and_supervise(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
