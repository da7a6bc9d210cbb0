"""validate --fix: fixed files or a diff, and what is told about them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from kubectl_asm.adapters.files import is_generated
from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.report.findings import headline
from kubectl_asm.report.patches import patch
from kubectl_asm.rules.fixing import Fixed, Judge, files_changed, fix_sources
from kubectl_asm.wiring.fixing import write_fixed


@dataclass(frozen=True, slots=True)
class FixRun:
    """What --fix did. sources: as they are on disk now; has_changes: whether something was, or would be, changed."""

    sources: tuple[SourceText, ...]
    has_changes: bool


def fix(sources: Sequence[SourceText], judge: Judge, *, is_dry_run: bool) -> FixRun:
    """Fix files, or print the diff to stdout. Raises UsageError for input that is no file, InputError when a write fails."""
    generated = [source.name for source in sources if is_generated(source.name)]
    if generated and not is_dry_run:
        raise UsageError(f"--fix cannot write {generated[0]}", hint="name the files it is made of, or see the diff: --dry-run")
    fixed = fix_sources(sources, judge)
    changed = files_changed(sources, fixed.sources)
    if is_dry_run:
        for source in sources:
            if source.name in changed:
                sys.stdout.writelines(patch(source, changed[source.name]))
    else:
        write_fixed(sources, changed)
    _tell(fixed, len(changed), "to fix" if is_dry_run else "fixed")
    return FixRun(tuple(sources) if is_dry_run else fixed.sources, bool(changed))


def _tell(fixed: Fixed, files: int, word: str) -> None:
    sys.stdout.flush()
    for located in fixed.made:
        assert located.finding.fix is not None
        click.echo(f"{headline(located)}: {located.finding.fix.title}", err=True)
    for located in fixed.refused:
        click.echo(f"{headline(located)}: not fixed, the change could not be proven to be the only one", err=True)
    click.echo(f"{_counted(len(fixed.made), 'finding')} {word} in {_counted(files, 'file')}", err=True)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
