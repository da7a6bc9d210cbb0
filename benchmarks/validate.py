"""validate beside the interpreter alone: one file of 50 lines as a process, and 10,000 documents. Goals: 0.15 s and 2 s."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from manifests import external_secrets
from report import as_row, finish, median, run

RUNS = 9
COUNT = 10_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.yaml", Path(folder) / "large.yaml"
        small.write_text(_text(2))
        large.write_text(_text(COUNT))
        validate = [sys.executable, "-m", "kubectl_asm", "validate", "--fail-on", "never"]
        rows = [as_row("python -c pass", median([run([sys.executable, "-c", "pass"]) for _ in range(RUNS)]), documents=0)]
        for path, count, runs in ((small, 2, RUNS), (large, COUNT, 3)):
            run([*validate, str(path)])
            rows.append(
                as_row(f"validate {count} documents", median([run([*validate, str(path)]) for _ in range(runs)]), documents=count)
            )
        finish("validate", rows)


def _text(count: int) -> str:
    """Return manifests as people write them: block style, with a template in every one."""
    import yaml

    parts = []
    for document in external_secrets(count):
        document["spec"]["target"] = {"template": {"mergePolicy": "Merge", "data": {"url": "x://{{ .password }}@{{ .token }}"}}}
        parts.append(yaml.dump(json.loads(json.dumps(document)), Dumper=yaml.CSafeDumper, sort_keys=False))
    return "---\n".join(parts)


main()
