"""What a run of validate does: the command line first, then the `validate:` section of `.asm.yaml`, then defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from kubectl_asm.adapters.files import read_file
from kubectl_asm.adapters.patterns import path_matcher
from kubectl_asm.cli.setting_options import config_path
from kubectl_asm.diagnostics import Severity
from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.lint_config import LintConfig, read_lint_config
from kubectl_asm.rules import RULES
from kubectl_asm.rules.runner import EVERY_RULE, Selection

WORDS: Final = tuple(word for rule in RULES for word in (rule.meta.code, rule.meta.name))


class LintPlan(msgspec.Struct, frozen=True):
    """How to run. paths: what is read when nothing is named; context: what is known and not judged; is_left_out: of folders."""

    selection: Selection
    fail_on: str
    baseline: str
    target: str
    closed_world: bool
    paths: tuple[str, ...]
    context: tuple[str, ...]
    is_left_out: Callable[[str], bool]


def lint_plan(values: Mapping[str, Any]) -> LintPlan:
    """Return the plan of a command line. Raises UsageError, or InputError with the place in `.asm.yaml`."""
    file = config_path(values)
    config = read_lint_config(read_file(file), WORDS) if file else LintConfig()
    folder = file.parent if file else Path()
    return LintPlan(
        _selection(values, config, folder),
        values["fail_on"] or config.fail_on or "error",
        values["baseline"] or (_below(folder, config.baseline) if config.baseline else ""),
        values["target"] or config.target,
        values["closed_world"] or config.closed_world,
        tuple(_below(folder, path) for path in config.paths),
        tuple(_below(folder, path) for path in config.context),
        path_matcher(folder, config.exclude),
    )


def configured_selection(values: Mapping[str, Any]) -> Selection:
    """Return which rules run where the command line has no say: what `.asm.yaml` says. Raises InputError."""
    file = config_path(values)
    if file is None:
        return Selection()
    config = read_lint_config(read_file(file), WORDS)
    return _selection({"selected": (), "ignored": (), "severities": ()}, config, file.parent)


def _below(folder: Path, path: str) -> str:
    return os.path.normpath(folder / path)


def _selection(values: Mapping[str, Any], config: LintConfig, folder: Path) -> Selection:
    """Put both together; a rule that is selected on the command line runs whatever the file ignores."""
    select = _words(values["selected"])
    given = Selection(select, _words(values["ignored"]), _severities(values["severities"]))
    for word in sorted({*given.select, *given.ignore, *given.severities} - set(WORDS)):
        raise UsageError(f'there is no rule "{word[:64]}"', hint="kubectl asm rules lists them")
    levels = {word: Severity(level) for word, level in config.severity.items()}
    ignore = given.ignore | _without(config.ignore, select)
    return Selection(select, ignore, {**levels, **_both_words(given.severities)}, _ignored_in(config, folder))


def _without(words: frozenset[str], selected: frozenset[str]) -> frozenset[str]:
    """Return words without those of rules that are selected, by whichever of their two names."""
    chosen = {word for rule in RULES if {rule.meta.code, rule.meta.name} & selected for word in (rule.meta.code, rule.meta.name)}
    return words - chosen


def _both_words(severities: Mapping[str, Severity]) -> dict[str, Severity]:
    """Return severities by code and by name, so that they win over those of the file however it names a rule."""
    both: dict[str, Severity] = {}
    for rule in RULES:
        for word in (rule.meta.code, rule.meta.name):
            if word in severities:
                both |= {rule.meta.code: severities[word], rule.meta.name: severities[word]}
    return both


def _ignored_in(config: LintConfig, folder: Path) -> Callable[[str], frozenset[str]]:
    scopes = [(path_matcher(folder, one.paths), one.rules or frozenset({EVERY_RULE})) for one in config.suppress]

    @cache
    def ignored(file: str) -> frozenset[str]:
        return frozenset(word for matches, words in scopes if matches(file) for word in words)

    return ignored


def _words(given: Sequence[str]) -> frozenset[str]:
    return frozenset(word.strip() for text in given for word in text.split(",") if word.strip())


def _severities(given: Sequence[str]) -> dict[str, Severity]:
    found = {}
    for word_and_level in (part for text in given for part in text.split(",")):
        word, equals, level = word_and_level.strip().partition("=")
        if not equals or level not in tuple(Severity):
            raise UsageError(f'--severity "{word_and_level[:64]}" is not CODE=error, CODE=warning or CODE=info')
        found[word] = Severity(level)
    return found
