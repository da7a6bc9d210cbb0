"""Kubernetes objects this program reads and writes, as frozen structs, and their kinds.

Field names are snake case here and camel case on the wire (msgspec renames). Secret data is SecretBytes: decoding
turns base64 text into it and nothing but an adapter turns it back.
Source: spec/api.md; Kubernetes core/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from kubectl_asm.model.sensitive import SecretBytes

GROUP = "alibabacloud.com"
API_VERSION = f"{GROUP}/v1alpha1"
FINALIZER = "finalizer.ack.secrets-manager.alibabacloud.com"
MANAGED_KEYS_ANNOTATION = "ack-alibabacloud.com/managed-keys"
ROLE_ARN_ANNOTATION = "ack.alibabacloud.com/role-arn"
TRIGGER_ANNOTATION = "ack-secret-manager.alibabacloud.com/trigger-reconcile"
FIELD_MANAGER = "kubectl-asm"


class Resource(msgspec.Struct, frozen=True):
    """Where a kind lives in the API. Resources are always addressed by group and plural, never by short name."""

    kind: str
    api_version: str
    plural: str
    namespaced: bool

    @property
    def full_name(self) -> str:
        """The name kubectl users type, e.g. externalsecrets.alibabacloud.com."""
        group, _, version = self.api_version.partition("/")
        return f"{self.plural}.{group}" if version else self.plural


class OwnerReference(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """metadata.ownerReferences[]."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False


class ManagedField(msgspec.Struct, frozen=True, rename="camel"):
    """metadata.managedFields[], reduced to who manages what."""

    manager: str = ""
    operation: str = ""
    subresource: str = ""
    fields_v1: dict[str, Any] = msgspec.field(default_factory=dict, name="fieldsV1")


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """metadata of any object, as far as this program reads or must preserve it."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    managed_fields: tuple[ManagedField, ...] = ()
    generate_name: str = ""

    @property
    def is_deleting(self) -> bool:
        """Whether deletion was requested and finalizers are still being worked on."""
        return bool(self.deletion_timestamp)

    @property
    def controller(self) -> OwnerReference | None:
        """The owner reference marked as controller, if any."""
        return next((owner for owner in self.owner_references if owner.controller), None)


class KubeObject(msgspec.Struct, frozen=True, rename="camel"):
    """Base of all objects. RESOURCE says where the kind lives."""

    RESOURCE: ClassVar[Resource]

    metadata: Meta = Meta()

    @property
    def name(self) -> str:
        """metadata.name."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """metadata.namespace; empty for cluster-scoped kinds."""
        return self.metadata.namespace

    @property
    def ref(self) -> ObjectRef:
        """Kind, namespace and name of this object."""
        return ObjectRef(self.RESOURCE.kind, self.metadata.namespace, self.metadata.name)


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Names one object. Sorts by namespace, kind, name as every list of the command line does."""

    namespace_first: str
    kind: str
    name: str

    def __init__(self, kind: str, namespace: str, name: str) -> None:
        object.__setattr__(self, "namespace_first", namespace)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "name", name)

    @property
    def namespace(self) -> str:
        """Namespace, empty for cluster-scoped kinds."""
        return self.namespace_first

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Secret(KubeObject, frozen=True, rename="camel"):
    """core/v1 Secret. data holds stringData already merged in."""

    RESOURCE: ClassVar[Resource] = Resource("Secret", "v1", "secrets", True)

    type: str = "Opaque"
    data: dict[str, SecretBytes] = {}
    immutable: bool = False


class ConfigMap(KubeObject, frozen=True, rename="camel"):
    """core/v1 ConfigMap; binaryData is never consulted (spec/templates.md 4)."""

    RESOURCE: ClassVar[Resource] = Resource("ConfigMap", "v1", "configmaps", True)

    data: dict[str, str] = {}


class ServiceAccount(KubeObject, frozen=True, rename="camel"):
    """core/v1 ServiceAccount; only its annotations matter here."""

    RESOURCE: ClassVar[Resource] = Resource("ServiceAccount", "v1", "serviceaccounts", True)


class NamespaceStatus(msgspec.Struct, frozen=True):
    """status of a Namespace."""

    phase: str = "Active"


class Namespace(KubeObject, frozen=True, rename="camel"):
    """core/v1 Namespace."""

    RESOURCE: ClassVar[Resource] = Resource("Namespace", "v1", "namespaces", False)

    status: NamespaceStatus = NamespaceStatus()

    @property
    def is_terminating(self) -> bool:
        """Whether the namespace is being deleted."""
        return self.status.phase == "Terminating" or self.metadata.is_deleting


def merged(base: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, str]:
    """Return base with the entries of overlay added or replaced."""
    return {**base, **overlay}
