"""The controller against a real API server and the emulator over HTTPS, limiters off: first sync, steady state, edits.

Goals: 1,000 objects in 10 s and linear above; RSS under 120 MB at 1,000 and 180 MB at 10,000 objects; in steady state no
request to the API server at all; p99 from edit to Secret under 1 s while every object's refresh is due.
`python benchmarks/serve.py 1000 5000 10000`. Needs the control plane of the live tests (see CONTRIBUTING.md).
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from manifests import external_secrets, fixtures
from report import ROOT, finish

sys.path.insert(0, str(ROOT))

from tests.live.command import Asm, emulator
from tests.live.controlplane import ControlPlane, free_port, shared

SECRETS = 200
NAMESPACES = 20
EDITS = 100
API = "/apis/alibabacloud.com/v1alpha1/namespaces"


def objects(count: int) -> Iterator[dict]:
    """Yield ExternalSecrets that follow --polling-interval."""
    for document in external_secrets(count, namespaces=NAMESPACES, secrets=SECRETS):
        del document["spec"]["rotationInterval"]
        yield document


def prepare(control_plane: ControlPlane, count: int) -> None:
    for number in range(NAMESPACES):
        control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": f"ns-{number}"}})

    def create(document: dict) -> None:
        control_plane.request("POST", f"{API}/{document['metadata']['namespace']}/externalsecrets", document)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, objects(count)))


class Controller:
    """A running `serve` with what it says about itself."""

    def __init__(self, process: subprocess.Popen, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}/metrics"

    def metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(self._url, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    def total(self, name: str) -> float:
        found = self.metrics()
        return sum(value for key, value in found.items() if re.match(rf"{name}({{|$)", key))

    def rss_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def controller(asm: Asm, interval: str) -> Iterator[Controller]:
    port = free_port()
    process = asm.start(
        "serve", "--region", "cn-hangzhou", "--cloud-emulator", str(asm.ready_file), "--no-leader-elect", "--health-addr", "0",
        "--metrics-addr", f"127.0.0.1:{port}", "--log-level", "warning", "--polling-interval", interval, "--allow-coexistence",
        "--max-concurrent-kms-secret-pulls", "0", "--cloud-calls-per-second", "0", "--kube-api-qps", "0",
    )  # fmt: skip
    try:
        yield Controller(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def first_sync(running: Controller, count: int, since: float) -> dict[str, object]:
    while True:
        time.sleep(0.1)
        try:
            ready = running.total("asm_externalsecret_ready")
        except OSError:
            continue
        if ready >= count:
            break
    return {
        "seconds": round(time.monotonic() - since, 1),
        "rss_mb": round(running.rss_mb()),
        "cpu_s": round(running.cpu_s(), 1),
        "kube_requests_per_object": round(running.total("asm_kube_requests_total") / count, 2),
        "cloud_calls": int(running.total("asm_cloud_calls_total")),
    }


def steady(running: Controller, seconds: float) -> dict[str, object]:
    rounds, kube, cloud = (running.total(f"asm_{name}_total") for name in ("rounds", "kube_requests", "cloud_calls"))
    cpu_s = running.cpu_s()
    time.sleep(seconds)
    return {
        "rounds_per_s": round((running.total("asm_rounds_total") - rounds) / seconds, 1),
        "kube_requests": int(running.total("asm_kube_requests_total") - kube),
        "cloud_calls": int(running.total("asm_cloud_calls_total") - cloud),
        "cpu_ms_per_round": round(1000 * (running.cpu_s() - cpu_s) / max(running.total("asm_rounds_total") - rounds, 1), 2),
        "rss_mb": round(running.rss_mb()),
    }


def edits(control_plane: ControlPlane, running: Controller, count: int) -> dict[str, object]:
    """Change one object after the other and see when its Secret has the new key."""
    latencies = []
    documents = list(objects(count))
    for number in range(EDITS):
        meta = documents[number * (count // EDITS)]["metadata"]
        patch = {"spec": {"data": [{"key": "secret-0", "name": f"edited-{number}"}]}}
        path = f"{API}/{meta['namespace']}/externalsecrets/{meta['name']}"
        control_plane.request("PATCH", path, patch, content_type="application/merge-patch+json")
        began = time.monotonic()
        secret = f"/api/v1/namespaces/{meta['namespace']}/secrets/{meta['name']}"
        while f"edited-{number}" not in control_plane.request("GET", secret).get("data", {}):
            time.sleep(0.005)
        latencies.append(time.monotonic() - began)
    latencies.sort()
    depth = running.total("asm_queue_depth")
    return {"p50_s": round(latencies[len(latencies) // 2], 3), "p99_s": round(latencies[-2], 3), "queue_depth": int(depth)}


def measure(count: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = folder / "fixtures.json"
        values.write_text(json.dumps(fixtures(SECRETS)))
        with shared(folder) as control_plane, emulator(folder, values) as (ready, record):
            prepare(control_plane, count)
            asm = Asm(control_plane.kubeconfig, ready, folder, record, values)
            with controller(asm, "1h") as running:
                rows = [{"what": f"first sync of {count}", **first_sync(running, count, time.monotonic())}]
            with controller(asm, "20s") as running:
                rows.append({"what": f"restart with {count} in sync", **first_sync(running, count, time.monotonic())})
                time.sleep(20)
                rows.append({"what": f"steady state of {count}, interval 20 s, 40 s", **steady(running, 40)})
            with controller(asm, "1s") as running:
                first_sync(running, count, time.monotonic())
                rows.append({"what": f"edits among {count} refreshes due", **edits(control_plane, running, count)})
    return rows


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [1_000]
    finish("serve", [row for count in counts for row in measure(count)])


main()
