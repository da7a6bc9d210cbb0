"""A cluster and a cloud for the controller alone, and a running `serve` with everything it says about itself."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.live.command import ROOT, Asm, emulator
from tests.live.controlplane import ControlPlane, free_port, shared, wait_until

GROUP = "/apis/alibabacloud.com/v1alpha1"
SYSTEM = "asm-system"
ACCOUNT = "kubectl-asm-controller"
SOON_S = 15.0
FINALIZER = "finalizer.ack.secrets-manager.alibabacloud.com"
MERGE = "application/merge-patch+json"
_PATHS = {
    "ExternalSecret": (GROUP, "externalsecrets", True),
    "SecretStore": (GROUP, "secretstores", True),
    "ClusterSecretStore": (GROUP, "clustersecretstores", False),
    "ClusterExternalSecret": (GROUP, "clusterexternalsecrets", False),
    "Secret": ("/api/v1", "secrets", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Event": ("/api/v1", "events", True),
    "Namespace": ("/api/v1", "namespaces", False),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
}
_numbers = itertools.count(1)


@dataclass
class Territory:
    """A control plane and an emulator of one test module. kubeconfig: of the controller's ServiceAccount, least rights."""

    control_plane: ControlPlane
    asm: Asm
    values: dict[str, Any] = field(default_factory=dict)

    # -- the cloud

    def set_values(self, **kms: Any) -> None:
        """Change values of KMS; the next call gets them."""
        self.values.update(kms)
        document = {"apiVersion": "kubectl-asm/v1", "kind": "Fixtures", "kms": self.values}
        fresh = self.asm.fixtures.with_suffix(".new")
        fresh.write_text(json.dumps(document))
        fresh.replace(self.asm.fixtures)

    def calls(self, key: str) -> int:
        """Return how often a key was asked for."""
        return sum(key in call["key"].split(",") for call in self.asm.calls())

    # -- the cluster

    def path(self, kind: str, namespace: str = "", name: str = "") -> str:
        base, plural, is_namespaced = _PATHS[kind]
        scope = f"/namespaces/{namespace}" if is_namespaced else ""
        return f"{base}{scope}/{plural}" + (f"/{name}" if name else "")

    def namespace(self, **labels: str) -> Place:
        """Make a namespace."""
        name = f"n-{os.getpid()}-{next(_numbers)}"
        self.control_plane.request("POST", self.path("Namespace"), {"metadata": {"name": name, "labels": labels}})
        return Place(self, name)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """Return an object, None when there is none."""
        try:
            return self.control_plane.request("GET", self.path(kind, namespace, name))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return None

    def put(self, kind: str, namespace: str, name: str, **fields: Any) -> dict[str, Any]:
        """Create an object or merge fields into the one that is there."""
        metadata = {"name": name, **fields.pop("metadata", {})}
        if self.get(kind, namespace, name) is not None:
            body = {"metadata": metadata, **fields}
            return self.control_plane.request("PATCH", self.path(kind, namespace, name), body, content_type=MERGE)
        version = "v1" if kind in ("Secret", "ConfigMap", "ServiceAccount") else "alibabacloud.com/v1alpha1"
        body = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
        return self.control_plane.request("POST", self.path(kind, namespace), body)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object; absent is fine."""
        try:
            self.control_plane.request("DELETE", self.path(kind, namespace, name))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise

    # -- the controller

    @contextmanager
    def serve(self, *options: str, asm: Asm | None = None, **settings: str) -> Iterator[Serve]:
        """Run a controller that is alone and not limited, unless options say otherwise."""
        running = Serve.start(asm or self.asm, options, settings)
        try:
            yield running
        finally:
            running.end()


@dataclass(frozen=True)
class Place:
    """A namespace of a territory, with what tests do there."""

    territory: Territory
    name: str

    def external(self, name: str, *keys: str, **spec: Any) -> dict[str, Any]:
        data = {"data": [{"key": key} for key in keys]} if keys else {}
        return self.territory.put("ExternalSecret", self.name, name, spec={"provider": "kms", **data, **spec})

    def store(self, name: str, credentials: str = "credentials") -> dict[str, Any]:
        auth = {"accessKey": {"name": credentials, "key": "id"}, "accessKeySecret": {"name": credentials, "key": "secret"}}
        return self.territory.put("SecretStore", self.name, name, spec={"KMS": {"KMSAuth": auth}})

    def credentials(self, name: str = "credentials", secret: str = "emulator") -> dict[str, Any]:
        return self.territory.put("Secret", self.name, name, stringData={"id": "emulator", "secret": secret})

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.territory.get(kind, self.name, name)

    def data(self, name: str) -> dict[str, str] | None:
        """Return the data of a Secret as texts, None when there is none."""
        found = self.get("Secret", name)
        return found and {key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()}

    def holds(self, name: str, timeout_s: float = SOON_S, **wanted: str) -> None:
        """Wait until a Secret holds exactly this."""
        _becomes(lambda: self.data(name), wanted, timeout_s, f"Secret {self.name}/{name}")

    def condition(self, name: str, kind: str = "Ready") -> tuple[str, str]:
        """Return status and reason of a condition of an ExternalSecret."""
        found = self.get("ExternalSecret", name) or {}
        conditions = found.get("status", {}).get("conditions", ())
        return next(((one["status"], one["reason"]) for one in conditions if one["type"] == kind), ("", ""))

    def is_ready(self, name: str, reason: str = "Synced", status: str = "True", timeout_s: float = SOON_S) -> None:
        """Wait until an ExternalSecret has this Ready condition."""
        _becomes(lambda: self.condition(name), (status, reason), timeout_s, f"Ready of {self.name}/{name}")

    def vanishes(self, kind: str, name: str) -> None:
        wait_until(lambda: self.get(kind, name) is None, timeout_s=SOON_S, what=f"{kind} {self.name}/{name} to vanish")

    def events(self) -> list[tuple[str, str, str]]:
        """Return (object, type, reason) of every Event."""
        items = self.territory.control_plane.request("GET", self.territory.path("Event", self.name))["items"]
        return [(one["involvedObject"]["name"], one["type"], one["reason"]) for one in items]


@dataclass
class Serve:
    """A running controller."""

    process: subprocess.Popen
    metrics_port: int
    health_port: int
    _log: Any

    @classmethod
    def start(cls, asm: Asm, options: tuple[str, ...], settings: dict[str, str]) -> Self:
        metrics, health = free_port(), free_port()
        alone = (
            () if any(option.startswith(("--lease", "--shards", "--leader")) for option in options) else ("--no-leader-elect",)
        )
        given = {"region": "cn-hangzhou", "polling_interval": "2s", "max_concurrent_kms_secret_pulls": "0", **settings}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # open as long as the process runs
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_asm", "serve", *alone, *flags, *options, "--cloud-emulator", str(asm.ready_file),
             "--metrics-addr", f"127.0.0.1:{metrics}", "--health-addr", f"127.0.0.1:{health}", "--log-format", "json"],
            env=asm.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True, cwd=asm.home,
        )  # fmt: skip
        return cls(process, metrics, health, log)

    def log(self) -> str:
        self._log.flush()
        self._log.seek(0)
        return self._log.read()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def probe(self, path: str) -> tuple[int, str]:
        """Return status and body of a health page, (0, "") when nobody answers."""
        return _fetch(f"http://127.0.0.1:{self.health_port}{path}")

    def is_ready(self) -> Self:
        end = time.monotonic() + 30
        while self.probe("/readyz")[0] != 200:
            has_time = self.process.poll() is None and time.monotonic() < end
            assert has_time, f"not ready: {self.probe('/readyz')}\n{self.log()}"
            time.sleep(0.05)
        return self

    def metrics(self) -> dict[str, float]:
        status, text = _fetch(f"http://127.0.0.1:{self.metrics_port}/metrics")
        assert status == 200, self.log()
        pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def total(self, name: str, *, having: str = "") -> float:
        """Return the sum of the series of a metric whose labels contain a text."""
        return sum(value for key, value in self.metrics().items() if re.match(rf"{name}({{|$)", key) and having in key)

    def writes(self) -> float:
        """Return how many requests changed something, Events apart (those are POSTs too)."""
        return sum(self.total("asm_kube_requests_total", having=f'method="{method}"') for method in ("PUT", "PATCH", "DELETE"))

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end_quietly(self) -> int:
        """End it as Kubernetes does and return the exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def end(self) -> None:
        """End it and forget its log."""
        try:
            self.end_quietly()
        finally:
            self._log.close()


def _becomes(read: Callable[[], Any], wanted: Any, timeout_s: float, what: str) -> None:
    end = time.monotonic() + timeout_s
    while (got := read()) != wanted:
        if time.monotonic() > end:
            raise AssertionError(f"{what}: wanted {wanted}, got {got} after {timeout_s} s")
        time.sleep(0.03)


def _fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


@contextmanager
def territory(
    root: Path,
    *,
    server_flags: Sequence[str] = (),
    cloud_options: Callable[[ControlPlane], Sequence[str]] = lambda _control_plane: (),
    **values: Any,
) -> Iterator[Territory]:
    """Start a control plane and an emulator, install what `manifests rbac` prints, and give the account's kubeconfig.

    server_flags: more flags of the API server; cloud_options: more of the emulator.
    """
    fixtures = root / "fixtures.json"
    fixtures.write_text(json.dumps({"apiVersion": "kubectl-asm/v1", "kind": "Fixtures", "kms": values}))
    with ExitStack() as stack:
        control_plane = stack.enter_context(shared(root, flags=server_flags))
        ready, record = stack.enter_context(emulator(root, fixtures, *cloud_options(control_plane)))
        control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": SYSTEM}})
        install(control_plane, "rbac", "-n", SYSTEM)
        kubeconfig = account_kubeconfig(control_plane, root / "controller.kubeconfig")
        yield Territory(control_plane, Asm(kubeconfig, ready, root, record, fixtures), dict(values))


def install(control_plane: ControlPlane, *arguments: str) -> None:
    """Apply what `manifests` prints."""
    words = [sys.executable, "-m", "kubectl_asm", "manifests", *arguments]
    text = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    apply = ["kubectl", "--kubeconfig", str(control_plane.kubeconfig), "apply", "--server-side", "--force-conflicts", "-f", "-"]
    subprocess.run(apply, input=text, check=True, capture_output=True, text=True, timeout=60)


def account_kubeconfig(control_plane: ControlPlane, path: Path, account: str = ACCOUNT, namespace: str = SYSTEM) -> Path:
    """Write the kubeconfig of a ServiceAccount."""
    asked = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    token = control_plane.request("POST", asked, body)["status"]["token"]
    return control_plane.write_kubeconfig(path, {"token": token}, namespace=namespace)


def stays(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Assert that a condition holds for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), what
        time.sleep(0.1)
