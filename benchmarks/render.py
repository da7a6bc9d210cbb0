"""`render` of 1,000 and 10,000 ExternalSecrets as whole processes. Goal: 10,000 in 8 s, linear, under 300 MB."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import yaml
from manifests import external_secrets, fixtures
from report import as_row, finish, median, run

RUNS = 3


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        backend = Path(folder) / "fixtures.json"
        backend.write_text(json.dumps(fixtures()))
        for count in (1_000, 10_000):
            manifest = Path(folder) / f"{count}.yaml"
            manifest.write_text(yaml.dump_all(external_secrets(count), Dumper=yaml.CSafeDumper))
            command = [sys.executable, "-m", "kubectl_asm", "render", str(manifest), "--backend", str(backend)]
            sample = median([run(command) for _ in range(RUNS)])
            rows.append(as_row(f"render {count}", sample, objects_per_s=count / sample.wall_s, runs=RUNS))
    finish("render", rows)


main()
