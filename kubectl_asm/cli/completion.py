"""kubectl asm completion: scripts for shells, and the helper through which kubectl itself completes the plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kubectl_asm.cli import exits
from kubectl_asm.cli.session import say

EPILOG = """\b
Examples:
  # stand-alone kubectl-asm in bash
  source <(kubectl asm completion bash)
  # let kubectl complete "kubectl asm ..." (kubectl 1.26 and later)
  kubectl asm completion --install ~/.local/bin
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), required=False)
@click.option("--install", default="", metavar="DIR", help="Write the executable kubectl_complete-asm into a folder on PATH.")
def command(shell: str | None, install: str) -> int:
    """Print a completion script for kubectl-asm, or install the helper that kubectl calls."""
    if install:
        path = Path(install) / "kubectl_complete-asm"
        path.write_text('#!/bin/sh\nexec kubectl-asm __complete "$@"\n')
        path.chmod(0o755)
        say(f"wrote {path}; it has to be on PATH")
        return exits.OK
    if shell is None:
        raise click.UsageError("name a shell: bash, zsh or fish")
    from click.shell_completion import get_completion_class

    from kubectl_asm.cli.main import group

    kind: Any = get_completion_class(shell)
    click.echo(kind(group, {}, "kubectl-asm", "_KUBECTL_ASM_COMPLETE").source())
    return exits.OK
