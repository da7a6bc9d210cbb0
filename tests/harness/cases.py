"""The parts of a case as typed values: settings, manifests, namespaces (README sections 3, 4, 8.1 and 8.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kubectl_asm.manifest.decode import KINDS, decode_object
from kubectl_asm.manifest.settings_sources import resolve_settings
from kubectl_asm.model.objects import KubeObject, Meta, Namespace, NamespaceStatus
from kubectl_asm.model.settings import Settings

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_API_VERSIONS = {kind: version for version, kind in KINDS}


def settings_of(case: Mapping[str, Any], compat: str) -> Settings:
    """Return the settings of a case as the product resolves them: every setting written out is a flag."""
    raw = dict(case.get("settings", {}))
    one_shot = raw.pop("command", "serve") != "serve"
    flags: dict[str, object] = {"compat": compat, "manage_finalizers": True, "process_deletions": True}
    flags |= {_CAMEL.sub("_", key).lower(): tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    return resolve_settings(one_shot=one_shot, environment=case["given"].get("env", {}), flags=flags).settings


def loaded(document: Mapping[str, Any]) -> KubeObject:
    """Return a manifest of a kind the product uses."""
    obj = typed(document, "default")
    assert obj is not None
    return obj


def typed(document: Mapping[str, Any], namespace: str) -> KubeObject | None:
    """Return a manifest of a case as an object; apiVersion and namespace may be left out."""
    kind = document["kind"]
    body = {"apiVersion": _API_VERSIONS.get(kind, "v1"), **document}
    obj = decode_object(body)
    if obj is not None and obj.RESOURCE.namespaced and not obj.metadata.namespace:
        body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        obj = decode_object(body)
    return obj


def typed_all(documents: Any) -> list[KubeObject]:
    """Return the manifests of a list as objects; kinds the product does not use are left out."""
    return [obj for obj in (typed(item, "default") for item in documents) if obj is not None]


def namespaces_of(given: Mapping[str, Any]) -> list[Namespace]:
    """Return the namespaces that a case writes out."""
    terminating = given.get("terminating", ())
    names = {**{name: {} for name in terminating}, **given.get("namespaces", {})}
    return [
        Namespace(
            metadata=Meta(name=name, labels=dict(labels or {})),
            status=NamespaceStatus(phase="Terminating" if name in terminating else "Active"),
        )
        for name, labels in names.items()
    ]
