"""kubectl's __complete protocol: candidates one a line, then a directive.

Called through the executable kubectl_complete-asm; the arguments are the words typed after `kubectl asm`.
Source: Kubernetes plugin completion (cobra's __complete output).
"""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.shell_completion import ShellComplete

from kubectl_asm.cli.main import group

_DEFAULT_DIRECTIVE = 0
_NO_FILES_DIRECTIVE = 4


def main(words: Sequence[str]) -> int:
    """Print the candidates for the last word."""
    complete = ShellComplete(group, {}, "kubectl-asm", "_KUBECTL_ASM_COMPLETE")
    done, current = (list(words[:-1]), words[-1]) if words else ([], "")
    items = complete.get_completions(done, current)
    wants_files = any(item.type in ("file", "dir") for item in items)
    for item in items:
        if item.type == "plain":
            click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
    click.echo(f":{_DEFAULT_DIRECTIVE if wants_files or not items else _NO_FILES_DIRECTIVE}")
    return 0
