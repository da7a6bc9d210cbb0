"""Values that one source gives, with where they stand. Shared by the readers of all sources.

Source: spec/operation.md 1, spec/controller.md 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kubectl_asm.errors import UsageError
from kubectl_asm.manifest.settings_fields import (
    BY_NAME,
    RETIRED,
    SettingField,
    SettingValueError,
    all_fields,
    format_value,
    parse_text,
)


class Given(msgspec.Struct, frozen=True):
    """A value somebody wrote. origin: short text that names the place."""

    value: Any
    origin: str


class Reading(msgspec.Struct):
    """What one source gives, by field name. fallbacks apply where no source gives a value; unknown: cannot be told."""

    values: dict[str, Given] = msgspec.field(default_factory=dict)
    warnings: list[str] = msgspec.field(default_factory=list)
    fallbacks: dict[str, Given] = msgspec.field(default_factory=dict)
    unknown: set[str] = msgspec.field(default_factory=set)

    def settled(self) -> Reading:
        """Put retired names in their successors' place unless the same source gives those too."""
        for retired in RETIRED:
            given = self.values.pop(retired.field.name, None)
            if given is None:
                continue
            self.warnings.append(f"{given.origin}: {retired.field.flag} {retired.note}")
            if retired.replaced_by:
                self.values.setdefault(retired.replaced_by, given)
        return self


def read_environment(environment: Mapping[str, str]) -> Reading:
    """Return what ASM_* variables give. An empty variable counts only where the empty text is a value. Raises UsageError."""
    reading = Reading()
    known = {one.variable: one for one in all_fields()}
    for variable in sorted(environment):
        one = known.get(variable)
        if one is None:
            reading.warnings += _misspelt(variable, known)
        elif one.flag_only:
            reading.warnings.append(f"{variable} is ignored: --{one.flag} is read from the command line only")
        elif environment[variable] or one.allows_empty:
            reading.values[one.name] = Given(usable(one, environment[variable], variable), variable)
    if "WATCH_NAMESPACE" in environment:
        text = environment["WATCH_NAMESPACE"]
        reading.fallbacks["watch_namespaces"] = Given(parse_text(BY_NAME["watch_namespaces"], text), "WATCH_NAMESPACE")
    return reading.settled()


def read_flags(flags: Mapping[str, object]) -> Reading:
    """Return what the command line gives: texts or values by field name. Raises UsageError."""
    reading = Reading()
    known = {one.name: one for one in all_fields()}
    for name, value in flags.items():
        one = known[name]
        origin = f"--{one.flag}"
        reading.values[name] = Given(usable(one, format_value(value), origin), origin)
    return reading.settled()


def usable(one: SettingField, text: str, origin: str) -> Any:
    """Return the value of a text. Raises UsageError that names the origin."""
    try:
        return parse_text(one, text)
    except SettingValueError as error:
        raise UsageError(f"{origin}: {error}") from None


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.7) -> str:
    """Return the known word that was probably meant, in whatever case and with whatever dashes; empty for none."""
    plain = {_plain(candidate): candidate for candidate in known}
    near = difflib.get_close_matches(_plain(word), plain, 1, cutoff)
    return plain[near[0]] if near else ""


def _plain(word: str) -> str:
    return word.replace("-", "").replace("_", "").lower()


def _misspelt(variable: str, known: Iterable[str]) -> list[str]:
    near = nearest(variable, known, cutoff=0.85) if variable.startswith("ASM_") else ""
    return [f"{variable} is no setting; did you mean {near}?"] if near else []
