"""Objects in memory that behave like a Kubernetes API server where this program can tell the difference.

Product code: render runs on it, the directory cluster delegates to it, tests use it. It implements ObjectReader,
ObjectWriter and ObjectWatcher; what is refused lives in apirules, who owns which field in ownership.
Source: Kubernetes API conventions; checked against a real kube-apiserver by the contract suite.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import msgspec

from kubectl_asm.adapters import apirules, ownership
from kubectl_asm.adapters.feed import ChangeFeed
from kubectl_asm.adapters.selectors import parse_selector
from kubectl_asm.errors import ConflictError, RejectedError
from kubectl_asm.manifest.decode import decode_secret_bytes
from kubectl_asm.manifest.encode import encode_value
from kubectl_asm.model.externalsecret import ExternalSecretStatus
from kubectl_asm.model.objects import FIELD_MANAGER, KubeObject, Meta, Namespace
from kubectl_asm.model.stores import ClusterExternalSecretStatus, StoreStatus

Obj = TypeVar("Obj", bound=KubeObject)
Key = tuple[str, str, str]
Status = ExternalSecretStatus | StoreStatus | ClusterExternalSecretStatus

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


class MemoryCluster:
    """A cluster of typed objects.

    objects: the state as somebody else left it, stored without checks. now: aware UTC instant for creation and deletion
    times. manager: name in managedFields of every write. strict_namespaces: only Namespace objects exist; otherwise a
    namespace exists as soon as it is named, and list shows those that hold an object. Safe for use by several threads.
    """

    def __init__(
        self,
        objects: Iterable[KubeObject] = (),
        *,
        now: Callable[[], datetime],
        manager: str = FIELD_MANAGER,
        strict_namespaces: bool = False,
    ) -> None:
        self._now = now
        self._manager = manager
        self._strict = strict_namespaces
        self._objects: dict[Key, KubeObject] = {}
        self._version = 0
        self._lock = threading.RLock()
        self._feed = ChangeFeed()
        self.load(objects)

    def load(self, objects: Iterable[KubeObject]) -> None:
        """Create or replace objects as they are, unchecked; missing uid, version and creation time are filled in."""
        with self._writing():
            for obj in objects:
                self._put(self._born(obj, obj.metadata))

    def objects(self) -> tuple[KubeObject, ...]:
        """Return every stored object, sorted by kind, namespace, name."""
        with self._lock:
            return tuple(self._objects[key] for key in sorted(self._objects))

    # -- ObjectReader

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object; raises NotFoundError."""
        with self._lock:
            found = self._objects.get(_key(kind, namespace, name))
            if found is None and kind is Namespace and not self._strict and name:
                found = self._implied(name)
        if found is None:
            raise apirules.not_found(kind, name)
        return cast("Obj", found)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return the objects of a kind, sorted by namespace and name."""
        matches = parse_selector(label_selector)
        with self._lock:
            found = {key: obj for key, obj in self._objects.items() if key[0] == kind.RESOURCE.kind}
            if kind is Namespace and not self._strict:
                names = {key[1] for key in self._objects if key[1]}
                found |= {key: self._implied(name) for name in names if (key := _key(Namespace, "", name)) not in found}
        everywhere = not namespace or not kind.RESOURCE.namespaced
        wanted = (found[key] for key in sorted(found) if everywhere or key[1] == namespace)
        return [cast("Obj", obj) for obj in wanted if matches(obj.metadata.labels)]

    # -- ObjectWriter

    def create(self, obj: Obj) -> Obj:
        """Store a new object and return it as stored."""
        with self._writing():
            return self._create(obj, "Update")

    def update(self, obj: Obj) -> Obj:
        """Replace the object that was read; raises ConflictError, NotFoundError, RejectedError."""
        with self._writing():
            current = self._current(obj)
            if not obj.metadata.resource_version:
                text = (
                    f'{obj.RESOURCE.full_name} "{obj.name}" is invalid: metadata.resourceVersion: must be specified for an update'
                )
                raise RejectedError(text, status=422, reason="Invalid")
            merged = _with_meta(
                _with_status_of(current, obj),
                uid=current.metadata.uid,
                generation=current.metadata.generation,
                creation_timestamp=current.metadata.creation_timestamp,
                deletion_timestamp=current.metadata.deletion_timestamp,
                managed_fields=current.metadata.managed_fields,
            )
            return self._replace(current, merged)

    def delete(self, obj: KubeObject) -> None:
        """Delete the object with the uid that was read; with finalizers left it is only marked. Absent is fine."""
        with self._writing():
            current = self._objects.get(_key_of(obj))
            if current is None:
                return
            if obj.metadata.uid and obj.metadata.uid != current.metadata.uid:
                raise apirules.replaced(obj, current.metadata.uid)
            if not current.metadata.finalizers:
                self._drop(obj)
            elif not current.metadata.is_deleting:
                generation = current.metadata.generation + 1 if current.metadata.generation else 0
                self._put(self._versioned(_with_meta(current, deletion_timestamp=self._timestamp(), generation=generation)))

    def set_finalizers(self, obj: Obj, finalizers: Sequence[str]) -> Obj:
        """Replace the finalizers; an object being deleted goes with its last one."""
        with self._writing():
            current = self._current(obj)
            return self._replace(current, _with_meta(current, finalizers=tuple(finalizers)))

    def set_status(self, obj: Obj, status: Status) -> Obj:
        """Write the status subresource of the object that was read, whatever its version."""
        with self._writing():
            current = self._current(_with_meta(obj, resource_version=""))
            changed = msgspec.structs.replace(current, status=status)
            return current if changed == current else self._store_change(current, changed, subresource="status")

    def apply(self, obj: Obj, *, force: bool) -> Obj:
        """Server-side apply: create, or merge what obj names and drop what this manager applied before and names no more."""
        with self._writing():
            current = self._objects.get(_key_of(obj))
            if current is None:
                return self._create(obj, "Apply")
            return self._apply_to(cast("Obj", current), obj, force=force)

    # -- ObjectWatcher

    def subscribe(self, kind: type[Obj], told: Callable[[Obj | None, Obj | None], None]) -> None:
        """Have changes of a kind told by whoever makes them, before the write returns. Implied namespaces are not told."""
        with self._writing():
            self._feed.add(kind, told, [obj for obj in self.objects() if isinstance(obj, kind)])

    def need(self, kind: type[KubeObject]) -> None:
        """Every kind is watched already."""

    def start(self) -> None:
        """Tell what exists, and every change from now on."""
        with self._writing():
            self._feed.open(self.objects())

    # -- inside

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep others out while objects change, then tell subscribers what changed. Not to be nested."""
        with self._lock:
            yield
        self._feed.tell()

    def _create(self, obj: Obj, operation: str) -> Obj:
        self._check_namespace(obj)
        if obj.metadata.resource_version:
            raise RejectedError("resourceVersion should not be set on objects to be created", status=400, reason="BadRequest")
        if _key_of(obj) in self._objects:
            raise apirules.already_exists(obj)
        apirules.check_object(obj)
        fresh = Meta(
            name=obj.name,
            namespace=obj.namespace,
            labels=dict(obj.metadata.labels),
            annotations=dict(obj.metadata.annotations),
            finalizers=obj.metadata.finalizers,
            owner_references=obj.metadata.owner_references,
            generate_name=obj.metadata.generate_name,
        )
        born = self._born(_with_status_of(None, obj), fresh)
        leaves = ownership.leaves_of(born)
        if operation == "Apply":
            books = ownership.after_apply((), {}, leaves, leaves, self._manager)
        else:
            books = ownership.after_update((), {}, leaves, self._manager)
        return self._put(_with_meta(born, managed_fields=books))

    def _apply_to(self, current: Obj, obj: Obj, *, force: bool) -> Obj:
        before, applied = ownership.leaves_of(current), ownership.leaves_of(_with_status_of(None, obj))
        books = current.metadata.managed_fields
        if not force and (clashes := ownership.conflicts(books, before, applied, self._manager)):
            raise _apply_conflict(obj, clashes)
        dropped = ownership.owned(books, self._manager, "Apply") - applied.keys()
        shared = {path for entry in books if entry.manager != self._manager for path in ownership.paths_of(entry)}
        document = _document(current)
        for path in dropped - shared:
            _remove(document, path)
        for path, value in applied.items():
            _set(document, path, value)
        changed = msgspec.convert(document, type(obj), dec_hook=decode_secret_bytes)
        apirules.check_object(changed)
        apirules.check_change(current, changed)
        after = ownership.leaves_of(changed)
        changed = _with_meta(changed, managed_fields=ownership.after_apply(books, before, applied, after, self._manager))
        return current if changed == current else self._put(self._bumped(current, changed))

    def _current(self, obj: Obj) -> Obj:
        """Return the stored twin of an object that was read; raises NotFoundError and ConflictError."""
        current = self._objects.get(_key_of(obj))
        if current is None:
            raise apirules.not_found(type(obj), obj.name)
        if obj.metadata.uid and obj.metadata.uid != current.metadata.uid:
            raise apirules.replaced(obj, current.metadata.uid)
        if obj.metadata.resource_version not in ("", current.metadata.resource_version):
            raise apirules.stale(obj)
        return cast("Obj", current)

    def _replace(self, current: Obj, changed: Obj) -> Obj:
        changed = _with_meta(changed, resource_version=current.metadata.resource_version)
        apirules.check_object(changed)
        apirules.check_change(current, changed)
        if changed == current:
            return current
        if changed.metadata.is_deleting and not changed.metadata.finalizers:
            self._drop(changed)
            return self._versioned(changed)
        return self._store_change(current, changed)

    def _store_change(self, current: Obj, changed: Obj, subresource: str = "") -> Obj:
        books = ownership.after_update(
            current.metadata.managed_fields,
            ownership.leaves_of(current),
            ownership.leaves_of(changed),
            self._manager,
            subresource,
        )
        return self._put(self._bumped(current, _with_meta(changed, managed_fields=books)))

    def _bumped(self, current: KubeObject, changed: Obj) -> Obj:
        """Return changed with its next version, and its next generation when the spec differs."""
        differs = getattr(current, "spec", None) != getattr(changed, "spec", None)
        generation = current.metadata.generation + 1 if differs else current.metadata.generation
        return self._versioned(_with_meta(changed, generation=generation))

    def _check_namespace(self, obj: KubeObject) -> None:
        if not obj.RESOURCE.namespaced:
            return
        namespace = self._objects.get(_key(Namespace, "", obj.namespace))
        if namespace is None and self._strict:
            raise apirules.not_found(Namespace, obj.namespace)
        if isinstance(namespace, Namespace) and namespace.is_terminating:
            raise apirules.namespace_terminating(obj)

    def _implied(self, name: str) -> Namespace:
        return Namespace(metadata=Meta(name=name, uid=_uid(f"namespace/{name}"), labels={NAMESPACE_LABEL: name}))

    def _born(self, obj: Obj, metadata: Meta) -> Obj:
        """Return obj with what the server adds at creation; what is there already stays."""
        self._version += 1
        labels = metadata.labels
        if isinstance(obj, Namespace):
            labels = {**labels, NAMESPACE_LABEL: metadata.name}
        return msgspec.structs.replace(
            obj,
            metadata=msgspec.structs.replace(
                metadata,
                labels=labels,
                uid=metadata.uid or _uid(f"{self._version}/{obj.RESOURCE.kind}/{metadata.namespace}/{metadata.name}"),
                resource_version=str(self._version),
                generation=metadata.generation or (1 if hasattr(obj, "spec") else 0),
                creation_timestamp=metadata.creation_timestamp or self._timestamp(),
            ),
        )

    def _versioned(self, obj: Obj) -> Obj:
        self._version += 1
        return _with_meta(obj, resource_version=str(self._version))

    def _put(self, obj: Obj) -> Obj:
        self._feed.record(self._objects.get(_key_of(obj)), obj)
        self._objects[_key_of(obj)] = obj
        return obj

    def _drop(self, obj: KubeObject) -> None:
        self._feed.record(self._objects.pop(_key_of(obj)), None)

    def _timestamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(kind: type[KubeObject], namespace: str, name: str) -> Key:
    return (kind.RESOURCE.kind, namespace if kind.RESOURCE.namespaced else "", name)


def _key_of(obj: KubeObject) -> Key:
    return _key(type(obj), obj.namespace, obj.name)


def _uid(seed: str) -> str:
    """Return a uid that is unique in this cluster and equal in equal runs."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, seed))


def _with_meta(obj: Obj, **changes: Any) -> Obj:
    return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, **changes))


def _with_status_of(current: KubeObject | None, obj: Obj) -> Obj:
    """Return obj with the stored status: writes to the main resource never change the status of our kinds."""
    if not hasattr(obj, "spec") or not hasattr(obj, "status"):
        return obj
    return msgspec.structs.replace(obj, status=type(obj.status)() if current is None else cast("Any", current).status)


def _document(obj: KubeObject) -> dict[str, Any]:
    document = encode_value(obj, reveal=True)
    document.setdefault("metadata", {})
    return cast("dict[str, Any]", document)


def _set(document: dict[str, Any], path: ownership.Path, value: Any) -> None:
    for step in path[:-1]:
        below = document.get(step)
        document[step] = below if isinstance(below, dict) else {}
        document = document[step]
    document[path[-1]] = value


def _remove(document: dict[str, Any], path: ownership.Path) -> None:
    for step in path[:-1]:
        document = document.get(step, {})
    document.pop(path[-1], None)


def _apply_conflict(obj: KubeObject, clashes: dict[ownership.Path, str]) -> ConflictError:
    owners = sorted(set(clashes.values()))
    fields = ", ".join("." + ".".join(path) for path in sorted(clashes))
    noun = "conflict" if len(clashes) == 1 else "conflicts"
    named = ", ".join(f'"{owner}" using {obj.RESOURCE.api_version}' for owner in owners)
    text = f"Apply failed with {len(clashes)} {noun}: conflict with {named}: {fields}"
    return ConflictError(text, status=409, reason="Conflict")
