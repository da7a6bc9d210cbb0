"""Exit codes and how errors reach the user: one place, one line, one hint, never a traceback.

0 fine; 1 findings, differences, or an object that did not fully sync; 2 could not run; 130 on Ctrl-C.
Source: spec/cli.md 1.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

import click

from kubectl_asm.errors import AsmError

OK = 0
FOUND = 1
CANNOT_RUN = 2
INTERRUPTED = 130


def guarded(body: Callable[[], int | None], *, debug: bool) -> int:
    """Run body and return the exit code, with every failure told on stderr."""
    try:
        return body() or OK
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.Abort:
        click.echo("aborted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return CANNOT_RUN
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return OK
    except AsmError as error:
        tell(error)
        if debug:
            show_frames(error)
        return CANNOT_RUN
    except Exception as error:  # noqa: BLE001  # the last line of defence: a bug must not print a traceback with values
        click.echo(
            f"error: this is a bug in kubectl-asm ({type(error).__name__}); run again with --debug and report it", err=True
        )
        if debug:
            show_frames(error)
        return CANNOT_RUN


def tell(error: AsmError, *, word: str = "error") -> None:
    """Print one error with its hint."""
    click.echo(f"{word}: {error}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)


def show_frames(error: BaseException) -> None:
    """Print where an error came from: files and lines only. Messages of foreign errors may hold values, so they stay out."""
    seen: BaseException | None = error
    while seen is not None:
        click.echo(f"{type(seen).__name__}, most recent call last:", err=True)
        for frame in traceback.extract_tb(seen.__traceback__):
            click.echo(f"  {frame.filename}:{frame.lineno} in {frame.name}", err=True)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _silence_stdout() -> None:
    """Keep the interpreter from complaining about a reader that went away."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
