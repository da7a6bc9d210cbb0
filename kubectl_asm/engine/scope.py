"""Which namespaces this installation works in.

Source: spec/controller.md 5.
"""

from __future__ import annotations

from kubectl_asm.model.settings import Settings, parse_namespaces

__all__ = [
    "ScopeConflictError",
    "check_scope",
    "expands_cluster_external_secrets",
    "in_scope",
    "is_watched",
    "parse_namespaces",
    "reconciles_cluster_stores",
]


class ScopeConflictError(ValueError):
    """The same namespace is watched and excluded."""


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


def reconciles_cluster_stores(settings: Settings) -> bool:
    """Return whether ClusterSecretStores are worked on at all; others may read them all the same."""
    return settings.process_cluster_secret_store and not _is_confined(settings)


def expands_cluster_external_secrets(settings: Settings) -> bool:
    """Return whether ClusterExternalSecrets are worked on at all."""
    return settings.process_cluster_external_secret and not _is_confined(settings)


def _is_confined(settings: Settings) -> bool:
    is_scoped = bool(settings.watch_namespaces or settings.exclude_namespaces)
    return is_scoped and settings.scope_disables_cluster_controllers
