"""`explain` of 1,000 ExternalSecrets over 50 stores, and how often reading them all asks STS.

Goals: the whole process in 2 s, findings included; at most 50 STS calls, one a store, through the real credential chain and SDK.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from manifests import external_secrets, fixtures
from report import ROOT, as_row, finish, median, run

OBJECTS, STORES, RUNS = 1_000, 50, 5
ACCOUNT = "1000000000000001"


def documents() -> Iterator[dict[str, Any]]:
    """Objects whose entries read through one of the stores, each store with a role of its own."""
    for number, document in enumerate(external_secrets(OBJECTS)):
        ref = {"name": f"store-{number % STORES}", "kind": "ClusterSecretStore"}
        for source in (*document["spec"]["data"], document["spec"]["dataProcess"][0]["extract"]):
            source["secretStoreRef"] = ref
        yield document
    key = {"name": "ak", "namespace": "ns-0"}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": key, "stringData": {"id": "emulator", "secret": "emulator"}}
    for number in range(STORES):
        auth = {"accessKey": {**key, "key": "id"}, "accessKeySecret": {**key, "key": "secret"}}
        auth["ramRoleARN"] = f"acs:ram::{ACCOUNT}:role/reader-{number}"
        metadata = {"name": f"store-{number}"}
        spec = {"KMS": {"KMSAuth": auth}}
        yield {"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ClusterSecretStore", "metadata": metadata, "spec": spec}


def sts_calls(folder: Path, cluster: Path) -> Counter[str]:
    """Sync everything against the emulator and count the calls by action."""
    backend, ready, record = folder / "fixtures.json", folder / "ready.json", folder / "calls.jsonl"
    backend.write_text(json.dumps(fixtures()))
    asm = [sys.executable, "-m", "kubectl_asm"]
    serving = [*asm, "emulator", "--fixtures", str(backend), "--ready-file", str(ready), "--record", str(record)]
    process = subprocess.Popen(serving, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not ready.exists():
            assert process.poll() is None, "the emulator did not start"
        command = [*asm, "diff", "-A", "--cluster-dir", str(cluster), "--region", "cn-hangzhou"]
        subprocess.run(
            [*command, "--cloud-emulator", str(ready), "--max-concurrent-kms-secret-pulls", "0", "-o", "json"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    finally:
        process.terminate()
        process.wait()
    return Counter(json.loads(line)["action"] for line in record.read_text().splitlines())


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder, cluster = Path(name), Path(name) / "cluster"
        cluster.mkdir()
        manifest = cluster / "all.yaml"
        manifest.write_text(yaml.dump_all(documents(), Dumper=yaml.CSafeDumper))
        for more in ([], ["-o", "json"], ["--policy", "ram"], ["--policy", "rbac"]):
            command = [sys.executable, "-m", "kubectl_asm", "explain", "-f", str(manifest), "--region", "cn-hangzhou", *more]
            sample = median([run(command) for _ in range(RUNS)])
            rows.append(as_row(" ".join(["explain", *more]), sample, objects_per_s=OBJECTS / sample.wall_s, runs=RUNS))
        calls = sts_calls(folder, cluster)
        print(f"calls of one pass over {OBJECTS} objects and {STORES} stores: {dict(calls)}")
        assert calls["AssumeRole"] <= STORES, calls
    finish("explain", rows)


main()
