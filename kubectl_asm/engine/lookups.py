"""What reading a reference gave: found, missing or failed are three different facts, never one.

References follow reads through the ObjectReader port and remember each for the life of one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from kubectl_asm.errors import ClusterError, NotFoundError
from kubectl_asm.model.objects import ConfigMap, KubeObject, Namespace, Secret, ServiceAccount
from kubectl_asm.model.stores import ClusterSecretStore, SecretStore
from kubectl_asm.ports import ObjectReader

Obj = TypeVar("Obj", bound=KubeObject)
Obj_co = TypeVar("Obj_co", bound=KubeObject, covariant=True)


@dataclass(frozen=True, slots=True)
class Found(Generic[Obj_co]):
    """The object exists."""

    obj: Obj_co


class Missing(msgspec.Struct, frozen=True):
    """The API server said that there is no such object."""


class Failed(msgspec.Struct, frozen=True):
    """Reading failed, so nothing is known."""

    error: ClusterError


Lookup = Found[Obj] | Missing | Failed


class References:
    """Reads referenced objects once each. Thread-safe enough for a pass: a double read is harmless."""

    def __init__(self, reader: ObjectReader) -> None:
        self.reader = reader
        self._memo: dict[tuple[str, str, str], Any] = {}

    def forget(self) -> None:
        """Read every reference afresh from now on: another pass begins."""
        self._memo.clear()

    def look(self, kind: type[Obj], namespace: str, name: str) -> Lookup[Obj]:
        """Look up any object, once."""
        key = (kind.RESOURCE.kind, namespace, name)
        found: Lookup[Obj] | None = self._memo.get(key)
        if found is None:
            found = self._memo[key] = look(self.reader, kind, namespace, name)
        return found

    def secret_store(self, namespace: str, name: str) -> Lookup[SecretStore]:
        """Look up a SecretStore."""
        return self.look(SecretStore, namespace, name)

    def cluster_secret_store(self, name: str) -> Lookup[ClusterSecretStore]:
        """Look up a ClusterSecretStore."""
        return self.look(ClusterSecretStore, "", name)

    def secret(self, namespace: str, name: str) -> Lookup[Secret]:
        """Look up a referenced Secret (an AccessKey or a template source, never a target)."""
        return self.look(Secret, namespace, name)

    def service_account(self, namespace: str, name: str) -> Lookup[ServiceAccount]:
        """Look up a ServiceAccount."""
        return self.look(ServiceAccount, namespace, name)

    def config_map(self, namespace: str, name: str) -> Lookup[ConfigMap]:
        """Look up a ConfigMap."""
        return self.look(ConfigMap, namespace, name)

    def namespace(self, name: str) -> Lookup[Namespace]:
        """Look up a Namespace."""
        return self.look(Namespace, "", name)


def look(reader: ObjectReader, kind: type[Obj], namespace: str, name: str) -> Lookup[Obj]:
    """Read one object and say what happened."""
    try:
        return Found(reader.get(kind, namespace, name))
    except NotFoundError:
        return Missing()
    except ClusterError as error:
        return Failed(error)
