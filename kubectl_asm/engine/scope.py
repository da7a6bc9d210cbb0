"""Which namespaces this installation works in.

Source: spec/controller.md 5.
"""

from __future__ import annotations

from kubectl_asm.model.settings import Settings


class ScopeConflictError(ValueError):
    """The same namespace is watched and excluded."""


def parse_namespaces(text: str) -> tuple[str, ...]:
    """Return the namespaces of a flag: outer blanks and double quotes go, items are trimmed, empty ones dropped."""
    items = (item.strip() for item in text.strip(' "\t').split(","))
    return tuple(dict.fromkeys(item for item in items if item))


def check_scope(settings: Settings) -> None:
    """Raise ScopeConflictError when one namespace is in both lists."""
    both = sorted(set(settings.watch_namespaces) & set(settings.exclude_namespaces))
    if both:
        raise ScopeConflictError(f"namespace {both[0]} is both watched and excluded; remove it from one of the two lists")


def is_watched(namespace: str, settings: Settings) -> bool:
    """Return whether objects of a namespace are visible at all."""
    return not settings.watch_namespaces or namespace in settings.watch_namespaces


def in_scope(namespace: str, settings: Settings) -> bool:
    """Return whether ExternalSecrets of a namespace are synced."""
    return is_watched(namespace, settings) and namespace not in settings.exclude_namespaces
