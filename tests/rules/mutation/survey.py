"""Which mutations the linter reports on the mutated line, and which survive.

The good manifests are those of the lint corpus, of examples/ and of the rules' own pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.settings_sources import resolve_settings
from kubectl_asm.rules import RULES
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint, lint_choices
from tests.rules.mutation.breaking import Mutation, mutations
from tests.rules.snippets import choices_of, snippet_of

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "rules" / "corpus"


@dataclass(frozen=True, slots=True)
class GoodSet:
    """Manifests that are fine together."""

    name: str
    sources: tuple[SourceText, ...]
    choices: Choices


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutation that nobody reported where it is."""

    file: str
    mutation: Mutation
    elsewhere: tuple[str, ...]


@dataclass(slots=True)
class Survey:
    """The result over some sets. counts: mutations by what was done."""

    counts: Counter[str]
    survivors: list[Survivor]


def good_sets() -> Iterator[GoodSet]:
    """Yield every set of good manifests."""
    corpus = yaml.load((CORPUS / "cases.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for case in corpus["good"]:
        yield GoodSet(case["name"], tuple(_source(CORPUS, name) for name in case["files"]), _choices(case.get("settings", {})))
    examples = sorted(
        path for path in (ROOT / "examples").rglob("*.yaml") if path.name != "fixtures.yaml" and path.parent.name != "ci"
    )
    for folder in sorted({path.parent for path in examples}):
        sources = tuple(_source(ROOT, str(path.relative_to(ROOT))) for path in examples if path.parent == folder)
        yield GoodSet(str(folder.relative_to(ROOT)), sources, _choices({}))
    for rule in RULES:
        good = snippet_of(rule, "Good")
        yield GoodSet(rule.meta.code, (SourceText(f"{rule.meta.code}.yaml", good.text.encode()),), choices_of(good))


def _source(folder: Path, name: str) -> SourceText:
    return SourceText(name, (folder / name).read_bytes().removeprefix(b"\xef\xbb\xbf"))


def _choices(settings: dict[str, Any]) -> Choices:
    helm = settings.get("helmValues")
    effective = resolve_settings(
        one_shot=True,
        helm_values=SourceText("values.yaml", yaml.safe_dump(helm).encode()) if helm is not None else None,
        flags={"compat": str(settings["compat"])} if "compat" in settings else {},
    )
    return lint_choices(effective, target=settings.get("target", ""), closed_world=settings.get("closedWorld", False))


def survey(good: GoodSet) -> Survey:
    """Break a set in every way, one at a time, and lint it."""
    result = Survey(Counter(), [])
    closed = msgspec.structs.replace(good.choices, closed_world=True)
    dangling = {(file, line) for file, line, _ in _reported(good.sources, closed)}
    for index, source in enumerate(good.sources):
        for mutation in mutations(source.data.decode()):
            if mutation.needs_closed_world and any((source.name, line) in dangling for line in mutation.lines):
                continue  # it named nothing of the set before
            changed = SourceText(source.name, mutation.text.encode())
            broken = (*good.sources[:index], changed, *good.sources[index + 1 :])
            found = _reported(broken, closed if mutation.needs_closed_world else good.choices)
            result.counts[mutation.how.partition(":")[0]] += 1
            if not any(file == source.name and line in mutation.lines for file, line, _ in found):
                result.survivors.append(Survivor(source.name, mutation, tuple(f"{line}: {code}" for _, line, code in found)))
    return result


def _reported(sources: Sequence[SourceText], choices: Choices) -> list[tuple[str, int, str]]:
    found = [one.finding for one in lint(sources, choices).findings if one.finding.severity is not Severity.INFO]
    return [(one.span.file, one.span.line, one.code) for one in found if one.span is not None]
