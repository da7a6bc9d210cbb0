"""The whole linter behind one call: input, settings and rules put together. Called by the command, the harness and tests.

Source: spec/cli.md 3 (validate), lint corpus README section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.documents import Document, SourceText
from kubectl_asm.manifest.settings_sources import EffectiveSettings
from kubectl_asm.rules import RULES
from kubectl_asm.rules.context import TOLD_BY_COMPONENT, Choices, Version
from kubectl_asm.rules.runner import Selection, Verdicts, run_rules


def lint(
    sources: Iterable[SourceText], choices: Choices, selection: Selection | None = None, known: Sequence[Document] = ()
) -> Verdicts:
    """Return the findings of all rules on an input set. known: objects outside of it that exist."""
    return run_rules(sources, RULES, choices, selection or Selection(), known)


def lint_choices(
    effective: EffectiveSettings, *, target: str = "", closed_world: bool = False, namespace: str = "default"
) -> Choices:
    """Return how to judge under these settings: what only the running component knows stays unknown. Raises UsageError."""
    return Choices(
        effective.settings,
        unknown_settings(effective.origins) | effective.unknown,
        parse_target(target) if target else None,
        closed_world,
        namespace,
    )


def unknown_settings(origins: Mapping[str, str]) -> frozenset[str]:
    """Return the fields of the component that no source gives: nothing may be concluded from their defaults."""
    return frozenset(name for name in TOLD_BY_COMPONENT if origins.get(name, "default").startswith(("default", "profile")))


def parse_target(text: str) -> Version:
    """Return a version such as 0.6.2 or v0.6.2 as numbers. Raises UsageError."""
    parts = text.removeprefix("v").split(".")
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts) != 3:
        raise UsageError(f'--target "{text[:64]}" is no version such as 0.6.2')
    return tuple(map(int, parts))
