"""Start-up of the command line beside `python -c pass` and `kubectl version --client`. Goal: below kubectl's."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from report import as_row, finish, median, run

RUNS = 15
MANIFEST = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app}
spec:
  data:
  - {key: db, name: password}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        manifest, fixtures = Path(folder) / "app.yaml", Path(folder) / "fixtures.yaml"
        manifest.write_text(MANIFEST)
        fixtures.write_text("apiVersion: kubectl-asm/v1\nkind: Fixtures\nkms: {db: value}\n")
        asm = [sys.executable, "-m", "kubectl_asm"]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "kubectl-asm --version": [*asm, "--version"],
            "kubectl-asm --help": [*asm, "--help"],
            "kubectl-asm render (one object)": [*asm, "render", str(manifest), "--backend", str(fixtures)],
        }
        if shutil.which("kubectl"):
            commands["kubectl version --client"] = ["kubectl", "version", "--client"]
        rows = []
        for label, command in commands.items():
            run(command)
            rows.append(as_row(label, median([run(command) for _ in range(RUNS)]), runs=RUNS))
        finish("startup", rows)


main()
