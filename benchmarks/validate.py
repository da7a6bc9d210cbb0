"""validate beside kubeconform, which checks the schema alone: one small file, 10,000 documents, and as many files.

kubeconform comes from PATH or is built by go into .build; without both its rows are missing. Runs of the two take turns,
so that a busy machine slows both. Goals: not slower than kubeconform, below 300 MiB, and 0.15 s for the small file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from manifests import external_secrets
from report import ROOT, Sample, as_row, finish, median, run

SMALL, LARGE = 2, 10_000  # two documents are about 50 lines
RUNS_SMALL, RUNS_LARGE = 9, 3
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@latest"
CRD = ROOT / "kubectl_asm/manifest/crds/alibabacloud.com_externalsecrets.yaml"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, __file__, name], check=True)  # a small parent: its memory counts as its children's peak
        commands = {"validate": [sys.executable, "-m", "kubectl_asm", "validate", "--fail-on", "never"]}
        if program := _kubeconform():
            commands["kubeconform"] = [program, "-schema-location", f"{name}/{{{{.ResourceKind}}}}.json"]
        rows = [as_row("python -c pass", median([run([sys.executable, "-c", "pass"]) for _ in range(RUNS_SMALL)]), documents=0)]
        for label, path, count, runs in (
            ("one small file", folder / "small.yaml", SMALL, RUNS_SMALL),
            ("one file", folder / "large.yaml", LARGE, RUNS_LARGE),
            (f"{LARGE} files", folder / "many", LARGE, RUNS_LARGE),
        ):
            taken = _in_turns(commands, path, runs)
            rows += [as_row(f"{tool}, {label}", median(samples), documents=count) for tool, samples in taken.items()]
    finish("validate", rows)


def write_inputs(folder: Path) -> None:
    """Write manifests as people write them: block style, with a template in every one. validate has a note on each."""
    import yaml

    parts = []
    for document in external_secrets(LARGE):
        document["spec"]["target"] = {"template": {"mergePolicy": "Merge", "data": {"url": "x://{{ .password }}@{{ .token }}"}}}
        parts.append(yaml.dump(json.loads(json.dumps(document)), Dumper=yaml.CSafeDumper, sort_keys=False))
    (folder / "small.yaml").write_text("---\n".join(parts[:SMALL]))
    (folder / "large.yaml").write_text("---\n".join(parts))
    (folder / "many").mkdir()
    for number, part in enumerate(parts):
        (folder / "many" / f"{number:05}.yaml").write_text(part)
    definition = yaml.safe_load(CRD.read_text())  # its schema is what kubeconform reads
    (folder / "externalsecret.json").write_text(json.dumps(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))


def _in_turns(commands: dict[str, list[str]], path: Path, runs: int) -> dict[str, list[Sample]]:
    taken: dict[str, list[Sample]] = {tool: [] for tool in commands}
    for number in range(runs + 1):
        for tool, command in commands.items():
            sample = run([*command, str(path)])
            if sample.code:
                raise SystemExit(f"{tool} exits with {sample.code}")
            if number:  # the first run fills the caches of the system
                taken[tool].append(sample)
    return taken


def _kubeconform() -> str:
    """Return the program, built when it has to be; empty when it can be neither found nor built."""
    bin_folder = ROOT / ".build" / "kubeconform"
    found = shutil.which("kubeconform") or shutil.which("kubeconform", path=str(bin_folder))
    go = shutil.which("go")
    if found or go is None:
        return found or ""
    environment = {**os.environ, "GOBIN": str(bin_folder)}
    subprocess.run([go, "install", KUBECONFORM], env=environment, check=False, timeout=600)
    return shutil.which("kubeconform", path=str(bin_folder)) or ""


if len(sys.argv) > 1:
    write_inputs(Path(sys.argv[1]))
else:
    main()
