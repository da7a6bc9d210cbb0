"""Entry points: `kubectl asm`, `kubectl-asm`, `python -m kubectl_asm`, and the completion helper of kubectl."""

from __future__ import annotations

import sys


def run() -> None:
    """Run the command line and exit with its code."""
    from kubectl_asm.cli.main import main

    sys.exit(main(sys.argv))


def complete() -> None:
    """Answer kubectl's __complete protocol (file kubectl_complete-asm on PATH)."""
    from kubectl_asm.cli.complete import main

    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
