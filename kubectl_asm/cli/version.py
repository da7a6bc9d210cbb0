"""kubectl asm version."""

from __future__ import annotations

import platform
import sys
from typing import Any

import click

from kubectl_asm import __version__
from kubectl_asm.cli import exits


@click.command("version")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the output."
)
@click.option("--client", is_flag=True, help="Only this program; the only thing shown today.")
def command(**values: Any) -> int:
    """Print the version of this program and what it is compatible with."""
    if values["output"] == "json":
        import json

        document = {
            "apiVersion": "kubectl-asm/v1",
            "kind": "Version",
            "client": __version__,
            "compat": ["0.6.2", "0.6.7"],
            "crd": "alibabacloud.com/v1alpha1",
            "python": platform.python_version(),
        }
        json.dump(document, sys.stdout, indent=2)
        click.echo()
    else:
        click.echo(f"kubectl-asm {__version__} (compatible with ack-secret-manager 0.6.2 and 0.6.7)")
    return exits.OK
