"""Cold and no-op `sync` of 1,000 ExternalSecrets against a real API server and the emulator over HTTPS, limiter off.

Goals: cold in 10 s with at most 3 API requests an object; no-op with one list a kind and one cloud call a distinct
secret. Needs the control plane of the live tests (see CONTRIBUTING.md).
"""

from __future__ import annotations

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from manifests import external_secrets, fixtures
from report import ROOT, Sample, as_row, finish, run

sys.path.insert(0, str(ROOT))

from tests.live.command import Asm, emulator
from tests.live.controlplane import ControlPlane, shared

COUNT = 1_000
SECRETS = 200
NAMESPACES = 20


def prepare(control_plane: ControlPlane) -> None:
    for number in range(NAMESPACES):
        control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": f"ns-{number}"}})

    def create(document: dict) -> None:
        path = f"/apis/alibabacloud.com/v1alpha1/namespaces/{document['metadata']['namespace']}/externalsecrets"
        control_plane.request("POST", path, document)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, external_secrets(COUNT, namespaces=NAMESPACES, secrets=SECRETS)))


def measure(asm: Asm, label: str, folder: Path) -> dict[str, object]:
    out = folder / "out.json"
    command = [sys.executable, "-m", "kubectl_asm", "sync", *asm.cloud(), "-A", "-o", "json", "-q"]
    sample: Sample = run(command, env=asm.environment(), stdout=out)
    report = json.loads(out.read_text())
    return as_row(
        label,
        sample,
        kube_requests=report["kubeCalls"],
        requests_per_object=report["kubeCalls"] / COUNT,
        cloud_calls=report["cloudCalls"],
        summary=json.dumps(report["summary"]),
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = folder / "fixtures.json"
        values.write_text(json.dumps(fixtures(SECRETS)))
        with shared(folder) as control_plane, emulator(folder, values) as (ready, record):
            prepare(control_plane)
            asm = Asm(control_plane.kubeconfig, ready, folder, record, values)
            rows = [measure(asm, f"cold sync of {COUNT}", folder), measure(asm, f"no-op sync of {COUNT}", folder)]
            rows.append(measure(asm, f"no-op sync of {COUNT}, again", folder))
        finish("sync", rows)


main()
