"""In which form a watch asks for objects of a kind, and what of them is kept in memory.

Secrets, ConfigMaps and ServiceAccounts are watched by their metadata: their contents never travel with a watch, and what
nobody decides on (labels, annotations such as kubectl's copy of the whole manifest) is not kept. Of all objects
managedFields is dropped: nothing that serve decides about a watched object depends on it. Contents of Secrets are read one
by one and keep the names of managers, because taking over an existing target depends on those.
Source: Kubernetes API concepts, "Receiving resources as Tables" and PartialObjectMetadata.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from kubectl_asm.adapters.kube.codec import decode
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus
from kubectl_asm.model.objects import ROLE_ARN_ANNOTATION, ConfigMap, KubeObject, Meta, Secret, ServiceAccount

Obj = TypeVar("Obj", bound=KubeObject)

BY_METADATA: Final[frozenset[type[KubeObject]]] = frozenset({Secret, ConfigMap, ServiceAccount})
WITH_CONTENT: Final[frozenset[type[KubeObject]]] = frozenset({Secret, ConfigMap})
"""Kinds whose watched copy says only which version there is."""

_KEPT_ANNOTATIONS: Final = (ROLE_ARN_ANNOTATION,)
_NOTHING: Final[dict[str, Any]] = {}  # one for all: objects are never changed in place
_FORM: Final = "application/json;as={};g=meta.k8s.io;v=v1,application/json"


class _PartialMeta(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class _Partial(msgspec.Struct, frozen=True):
    metadata: _PartialMeta = _PartialMeta()


class ObjectName(msgspec.Struct, frozen=True, rename="camel"):
    """metadata of an object that may not decode otherwise."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _Named(msgspec.Struct, frozen=True):
    metadata: ObjectName = ObjectName()


def accept(kind: type[KubeObject], *, listing: bool) -> str:
    """Return the Accept header of a list or a watch. Servers that know no partial form answer with whole objects."""
    if kind not in BY_METADATA:
        return "application/json"
    return _FORM.format("PartialObjectMetadataList" if listing else "PartialObjectMetadata")


def decode_kept(kind: type[Obj], body: bytes) -> Obj:
    """Return what is kept of one object; raises ClusterError that names object and field."""
    if kind not in BY_METADATA:
        return slim(decode(kind, body))
    try:
        metadata = _partial_decoder().decode(body).metadata
    except msgspec.MsgspecError:
        raise ClusterError(f"metadata of one of the {kind.RESOURCE.plural} cannot be read") from None
    annotations = metadata.annotations or _NOTHING
    kept = {key: annotations[key] for key in _KEPT_ANNOTATIONS if key in annotations} if kind is ServiceAccount else None
    return bare(
        kind,
        Meta(
            name=metadata.name,
            namespace=sys.intern(metadata.namespace),
            uid=metadata.uid,
            resource_version=metadata.resource_version,
            labels=_NOTHING,
            annotations=kept or _NOTHING,
            deletion_timestamp=metadata.deletion_timestamp,
        ),
    )


def name_of(body: bytes) -> ObjectName:
    """Return what an object is called, whatever else is wrong with it; raises ClusterError when even that is."""
    try:
        return msgspec.json.decode(body, type=_Named).metadata
    except msgspec.MsgspecError:
        raise ClusterError("an object without readable metadata") from None


def slim(obj: Obj) -> Obj:
    """Return an object without managedFields."""
    metadata = obj.metadata
    if not metadata.managed_fields and not metadata.namespace:
        return obj
    changed = msgspec.structs.replace(metadata, managed_fields=(), namespace=sys.intern(metadata.namespace))
    if isinstance(obj, ExternalSecret) and obj.status.conditions:
        return msgspec.structs.replace(obj, metadata=changed, status=_shared_words(obj.status))
    return msgspec.structs.replace(obj, metadata=changed)


def _shared_words(status: ExternalSecretStatus) -> ExternalSecretStatus:
    """Return a status whose texts are one for all objects: they say the same of most, and are a quarter of their memory."""
    conditions = tuple(
        msgspec.structs.replace(
            one,
            type=sys.intern(one.type),
            status=sys.intern(one.status),
            reason=sys.intern(one.reason),
            last_transition_time=sys.intern(one.last_transition_time),
        )
        for one in status.conditions
    )
    return msgspec.structs.replace(status, conditions=conditions)


def slim_content(obj: Obj) -> Obj:
    """Return an object whose managedFields say who manages something, and not what."""
    fields = tuple(msgspec.structs.replace(field, fields_v1=_NOTHING) for field in obj.metadata.managed_fields)
    return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, managed_fields=fields))


def bare(kind: type[Obj], metadata: Meta) -> Obj:
    """Return an object of a kind that has nothing but metadata."""
    fields: Mapping[str, Any] = {"data": _NOTHING} if kind in WITH_CONTENT else _NOTHING
    return kind(metadata=metadata, **fields)


@lru_cache(maxsize=1)
def _partial_decoder() -> msgspec.json.Decoder[_Partial]:
    return msgspec.json.Decoder(_Partial)
