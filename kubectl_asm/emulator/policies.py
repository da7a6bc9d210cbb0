"""RAM policy documents, as far as they decide whether a call is allowed.

Effect, Action, Resource with `*` and `?`; for trust policies Principal and the oidc conditions. A document with anything
else is refused when it is loaded, so that a test never passes because a condition was ignored.
Source: spec/cloud-apis.md 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_CONDITION_KEYS: Final = frozenset({"oidc:iss", "oidc:aud", "oidc:sub"})


class PolicyError(Exception):
    """A policy document that cannot be evaluated."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. principals: kind (`RAM`, `Federated`, `Service`) to names; conditions: operator, key, values."""

    is_allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document."""

    statements: tuple[Statement, ...]


ALLOW_ALL: Final = Policy((Statement(True, ("*",), ("*",)),))


def decode_policy(raw: Any) -> Policy:
    """Return a policy from its JSON form, `*` for everything. Raises PolicyError."""
    if raw == "*":
        return ALLOW_ALL
    document = _mapping(raw, ("Version", "Statement"))
    statements = document.get("Statement")
    if not isinstance(statements, list):
        raise PolicyError("Statement must be a list")
    return Policy(tuple(_statement(item) for item in statements))


def is_allowed(policies: Iterable[Policy], action: str, resource: str) -> bool:
    """Return whether identity policies allow an action on a resource: a matching deny wins over every allow."""
    matching = _matching(policies, action, resource)
    return bool(matching) and all(statement.is_allow for statement in matching)


def is_denied(policies: Iterable[Policy], action: str, resource: str) -> bool:
    """Return whether an identity policy denies it in so many words, rather than that none allows it."""
    return not all(statement.is_allow for statement in _matching(policies, action, resource))


def _matching(policies: Iterable[Policy], action: str, resource: str) -> list[Statement]:
    return [
        statement
        for policy in policies
        for statement in policy.statements
        if _matches_any(statement.actions, action) and _matches_any(statement.resources, resource)
    ]


def is_trusted(policy: Policy, kind: str, names: Iterable[str], claims: Mapping[str, str] | None = None) -> bool:
    """Return whether a trust policy lets a principal assume the role. names: every ARN the caller goes by."""
    wanted = tuple(names)
    matching = [
        statement
        for statement in policy.statements
        if _matches_any(statement.actions, "sts:AssumeRole")
        and any(_matches_any(statement.principals.get(kind, ()), name) for name in wanted)
        and all(_holds(condition, claims or {}) for condition in statement.conditions)
    ]
    return bool(matching) and all(statement.is_allow for statement in matching)


def _holds(condition: tuple[str, str, tuple[str, ...]], claims: Mapping[str, str]) -> bool:
    operator, key, values = condition
    claim = claims.get(key)
    if claim is None:
        return False
    return claim in values if operator == "StringEquals" else _matches_any(values, claim)


def _statement(raw: Any) -> Statement:
    item = _mapping(raw, ("Effect", "Action", "Resource", "Principal", "Condition", "Sid"))
    effect = item.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError("Effect must be Allow or Deny")
    return Statement(
        is_allow=effect == "Allow",
        actions=_texts(item.get("Action"), "Action"),
        resources=_texts(item.get("Resource", []), "Resource"),
        principals={kind: _texts(names, "Principal") for kind, names in _mapping(item.get("Principal") or {}, None).items()},
        conditions=tuple(_conditions(item.get("Condition") or {})),
    )


def _conditions(raw: Any) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for operator, parts in _mapping(raw, ("StringEquals", "StringLike")).items():
        for key, values in _mapping(parts, None).items():
            if key not in _CONDITION_KEYS:
                raise PolicyError(f"the condition key {key} is not evaluated here")
            yield operator, key, _texts(values, key)


def _mapping(raw: Any, known: tuple[str, ...] | None) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise PolicyError("a mapping is expected")
    for name in raw:
        if not isinstance(name, str) or (known is not None and name not in known):
            raise PolicyError(f"{name!s} is not evaluated here")
    return raw


def _texts(raw: Any, what: str) -> tuple[str, ...]:
    items = [raw] if isinstance(raw, str) else raw
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise PolicyError(f"{what} must be text or a list of texts")
    return tuple(items)


def _matches_any(patterns: Iterable[str], text: str) -> bool:
    return any(_pattern(pattern).fullmatch(text) is not None for pattern in patterns)


def _pattern(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*+|\?)", pattern)
    return re.compile(
        "".join(".*" if part.startswith("*") else "." if part == "?" else re.escape(part) for part in parts), re.DOTALL
    )
