"""Typed objects to plain values in API server form; the inverse of decode.

Called by adapters (bodies of writes, files of a directory cluster) and by report writers. Secret data is revealed only
when the caller says so by name; otherwise every value is three stars.
Source: spec/api.md; Kubernetes API conventions (absent, null and empty are equal for optional fields).
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

import msgspec

from kubectl_asm.model.objects import KubeObject, Secret
from kubectl_asm.model.sensitive import MASK, SecretBytes


def encode_object(obj: KubeObject, *, reveal: bool) -> dict[str, Any]:
    """Return a manifest of obj: apiVersion, kind, metadata and its own fields, with defaults left out.

    reveal: data of Secrets as base64 text; otherwise each value is `***`. metadata.managedFields is never part of it.
    Empty structs that switch something on (target.template, KMSAuth) stay as {}.
    """
    fields = encode_value(obj, reveal=reveal)
    metadata = fields.pop("metadata", {})
    metadata.pop("managedFields", None)
    document = {"apiVersion": obj.RESOURCE.api_version, "kind": obj.RESOURCE.kind, "metadata": metadata}
    if isinstance(obj, Secret):
        document["type"] = obj.type
    return {**document, **fields}


def encode_value(value: Any, *, reveal: bool) -> Any:
    """Return a struct, mapping, sequence or scalar as plain JSON values; fields that equal their default are left out."""
    if isinstance(value, msgspec.Struct):
        members = ((name, getattr(value, attribute), default) for attribute, name, default in _fields(type(value)))
        return {name: encode_value(member, reveal=reveal) for name, member, default in members if member != default}
    if isinstance(value, dict):
        return {key: encode_value(member, reveal=reveal) for key, member in value.items()}
    if isinstance(value, tuple | list):
        return [encode_value(item, reveal=reveal) for item in value]
    if isinstance(value, SecretBytes):
        return base64.b64encode(value.reveal()).decode("ascii") if reveal else MASK
    return value


@lru_cache(maxsize=64)
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    """Return (attribute, wire name, default) of every field of a struct type."""
    return tuple((field.name, field.encode_name, _default(field)) for field in msgspec.structs.fields(kind))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
