"""What an API server keeps about objects and a manifest has no place for: identity, finalizers, status, field owners.

Lives in one file of the folder, one line an object, so that it can be read, compared and committed. Holds no value of a
Secret: only names of fields and texts of status.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kubectl_asm.adapters.directory_files import STATE_NAME, read_bytes, replace_file
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.decode import decode_secret_bytes
from kubectl_asm.manifest.documents import SourceText, parse_documents
from kubectl_asm.manifest.encode import encode_value
from kubectl_asm.model.objects import KubeObject, ManagedField

Obj = TypeVar("Obj", bound=KubeObject)
Key = tuple[str, str, str]

_HEAD = "# Written by kubectl asm: what an API server would keep about the objects of this folder. Do not edit.\n"
_OWNED = ("uid", "generation", "finalizers", "creation_timestamp", "deletion_timestamp")


class Entry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """State of one object. status: in API form, None for kinds without one."""

    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    finalizers: tuple[str, ...] = ()
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    managed_fields: tuple[ManagedField, ...] = ()
    status: dict[str, Any] | None = None

    @property
    def key(self) -> Key:
        """Kind, namespace, name."""
        return (self.kind, self.namespace, self.name)


class StateFile:
    """The state of all objects of a folder; every change is written at once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE_NAME
        self._lines: dict[Key, bytes] = {}
        self.entries: Mapping[Key, Entry] = self._read()

    def put(self, obj: KubeObject) -> None:
        """Record the state of an object; raises OSError."""
        entry = entry_of(obj)
        self._change(entry.key, msgspec.json.encode(entry))

    def drop(self, key: Key) -> None:
        """Forget an object; raises OSError."""
        if key in self._lines:
            self._change(key, None)

    def _change(self, key: Key, line: bytes | None) -> None:
        if self._lines.get(key) == line:
            return
        if line is None:
            del self._lines[key]
        else:
            self._lines[key] = line
        body = b"".join(b"- " + self._lines[one] + b"\n" for one in sorted(self._lines))
        head = f"{_HEAD}apiVersion: kubectl-asm/v1\nkind: ClusterState\nobjects:{'' if body else ' []'}\n"
        replace_file(self._path, head.encode() + body, private=True, durable=False)

    def _read(self) -> dict[Key, Entry]:
        if not self._path.exists():
            return {}
        source = SourceText(str(self._path), read_bytes(self._path))
        document = next(parse_documents(source), None)
        if document is None:
            return {}
        if isinstance(document, InputError):
            raise document
        try:
            entries = msgspec.convert((document.value or {}).get("objects") or [], tuple[Entry, ...])
        except (AttributeError, msgspec.ValidationError):
            raise InputError(
                "this is no state of kubectl asm", file=str(self._path), hint="remove the file to start anew"
            ) from None
        self._lines = {entry.key: msgspec.json.encode(entry) for entry in entries}
        return {entry.key: entry for entry in entries}


def key_of(obj: KubeObject) -> Key:
    """Return kind, namespace, name of an object."""
    return (obj.RESOURCE.kind, obj.namespace, obj.name)


def entry_of(obj: KubeObject) -> Entry:
    """Return the state of an object."""
    status = encode_value(obj.status, reveal=False) if hasattr(obj, "status") else None
    owned = {name: getattr(obj.metadata, name) for name in _OWNED}
    kind, namespace, name = key_of(obj)
    return Entry(kind, name, namespace, managed_fields=obj.metadata.managed_fields, status=status, **owned)


def with_state(obj: Obj, entry: Entry | None) -> Obj:
    """Return an object as read from a manifest with its recorded state."""
    if entry is None:
        return obj
    owned = {name: getattr(entry, name) for name in (*_OWNED, "managed_fields")}
    changes: dict[str, Any] = {"metadata": msgspec.structs.replace(obj.metadata, **owned)}
    if entry.status is not None and hasattr(obj, "status"):
        changes["status"] = msgspec.convert(entry.status, type(obj.status), dec_hook=decode_secret_bytes)
    return msgspec.structs.replace(obj, **changes)
