"""kubectl's label selector strings (-l), for adapters that have no API server to evaluate them.

Source: Kubernetes labels and selectors: equality, set and existence requirements joined by commas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kubectl_asm.errors import UsageError

Matcher = Callable[[Mapping[str, str]], bool]

_SPLIT = re.compile(r",(?![^()]*\))")
_SET = re.compile(r"^(?P<key>[^\s=!,()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s=!,()]+)\s*(?P<operator>==|!=|=)\s*(?P<value>[^\s=!,()]*)$")
_EXISTS = re.compile(r"^(?P<absent>!)?\s*(?P<key>[^\s=!,()]+)$")


def parse_selector(text: str) -> Matcher:
    """Return a predicate over labels; an empty selector matches everything. Raises UsageError."""
    requirements = [_requirement(part.strip(), text) for part in _SPLIT.split(text) if part.strip()]
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _requirement(part: str, text: str) -> Matcher:
    if match := _SET.match(part):
        values = frozenset(value.strip() for value in match["values"].split(","))
        return _membership(match["key"], values, wanted=match["operator"] == "in")
    if match := _EQUAL.match(part):
        return _membership(match["key"], frozenset({match["value"]}), wanted=match["operator"] != "!=")
    if match := _EXISTS.match(part):
        key, wanted = match["key"], match["absent"] is None
        return lambda labels: (key in labels) is wanted
    raise UsageError(f'unable to parse the selector "{text}"', hint="write it like app=web,tier in (a, b),!legacy")


def _membership(key: str, values: frozenset[str], *, wanted: bool) -> Matcher:
    """Objects without the key match only the negative operators, as in Kubernetes."""
    if wanted:
        return lambda labels: key in labels and labels[key] in values
    return lambda labels: key not in labels or labels[key] not in values
