"""A folder of manifests as the cluster (--cluster-dir).

Objects behave as in MemoryCluster; every write is carried into the file that holds the object before it returns. Files
belong to the user: only the documents of changed objects are rewritten, in place, with their comments.
Source: spec/operation.md 6; spec/cli.md 1.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from kubectl_asm.adapters import yamledit
from kubectl_asm.adapters.directory_files import FolderLock, manifest_files, read_bytes, replace_file
from kubectl_asm.adapters.directory_state import Key, StateFile, key_of, with_state
from kubectl_asm.adapters.memory import MemoryCluster, Status
from kubectl_asm.errors import BugError, ConflictError, InputError, NotFoundError, UnavailableError
from kubectl_asm.manifest.decode import decode_object, list_items
from kubectl_asm.manifest.documents import SourceText, decode_text, parse_documents
from kubectl_asm.manifest.encode import encode_object
from kubectl_asm.manifest.load import Loaded, load_manifests
from kubectl_asm.model.objects import FIELD_MANAGER, KubeObject, Secret

Obj = TypeVar("Obj", bound=KubeObject)
Result = TypeVar("Result")

MAX_FILE_NAME = 200
_SERVER_OWNED = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "finalizers")


@dataclass(slots=True)
class _Place:
    """Where an object stands. first_line: of its document, 1-based; path: inside it (items of a List)."""

    file: Path
    first_line: int
    path: yamledit.Path


class DirectoryCluster:
    """Reads and writes the objects of a folder through the object ports.

    namespace: of manifests that name none. problems: parts of files that do not parse; their objects do not exist here.
    writable: take the folder's lock; without it every write is a bug. Raises InputError (no such folder, two manifests of
    one object), AsmError (another process has the lock). Use as a context manager, or call close.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: Callable[[], datetime],
        namespace: str = "default",
        manager: str = FIELD_MANAGER,
        writable: bool = True,
    ) -> None:
        self._folder = folder
        self._namespace = namespace
        self._now = now
        self._manager = manager
        self._mutex = threading.RLock()
        self._lock = FolderLock(folder) if writable else None
        manifest_files(folder)  # says that the folder does not exist before a lock is looked for in it
        if self._lock is not None:
            self._lock.take()
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.drop()

    @property
    def problems(self) -> tuple[InputError, ...]:
        """What could not be read."""
        return self._problems

    # -- ObjectReader

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object; raises NotFoundError."""
        return self._memory.get(kind, namespace, name)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return the objects of a kind, sorted by namespace and name."""
        return self._memory.list(kind, namespace, label_selector=label_selector)

    # -- ObjectWriter

    def create(self, obj: Obj) -> Obj:
        """Create the object in a file of its own."""
        return self._carried(obj, lambda: self._memory.create(obj))

    def update(self, obj: Obj) -> Obj:
        """Change the object in its file; raises ConflictError also when the file changed since it was read."""
        return self._carried(obj, lambda: self._memory.update(obj))

    def delete(self, obj: KubeObject) -> None:
        """Delete the object's document, and its file when that was made here and holds nothing else."""
        self._carried(obj, lambda: self._memory.delete(obj))

    def set_finalizers(self, obj: Obj, finalizers: Sequence[str]) -> Obj:
        """Record finalizers in the state file; the last one of a deleted object takes the object with it."""
        return self._carried(obj, lambda: self._memory.set_finalizers(obj, finalizers))

    def set_status(self, obj: Obj, status: Status) -> Obj:
        """Record the status in the state file."""
        return self._carried(obj, lambda: self._memory.set_status(obj, status))

    def apply(self, obj: Obj, *, force: bool) -> Obj:
        """Server-side apply."""
        return self._carried(obj, lambda: self._memory.apply(obj, force=force))

    # -- reading the folder

    def _load(self) -> None:
        self._files = {path: read_bytes(path) for path in manifest_files(self._folder)}
        manifests = load_manifests(SourceText(str(path), data) for path, data in self._files.items())
        self._problems = manifests.problems
        self._state = StateFile(self._folder)
        self._places: dict[Key, _Place] = {}
        first: dict[Key, Loaded] = {}
        objects: list[KubeObject] = []
        for loaded in manifests.objects:
            obj = self._placed(loaded.obj)
            key = key_of(obj)
            if key in first:
                raise _duplicate(obj, first[key], loaded)
            first[key] = loaded
            self._places[key] = _Place(Path(loaded.document.file), loaded.document.first_line, loaded.path)
            objects.append(with_state(obj, self._state.entries.get(key)))
        self._memory = MemoryCluster(objects, now=self._now, manager=self._manager)
        if self._lock is not None and not self._problems:
            self._forget_absent()

    def _forget_absent(self) -> None:
        """Drop the state of objects whose manifest is gone, so that a later one of the same name starts anew."""
        for key in self._state.entries.keys() - self._places.keys():
            self._state.drop(key)

    def _placed(self, obj: KubeObject) -> KubeObject:
        """Return a manifest's object with the namespace it ends up in and an identity that survives this process."""
        namespace = (obj.namespace or self._namespace) if obj.RESOURCE.namespaced else ""
        uid = obj.metadata.uid or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{obj.RESOURCE.kind}/{namespace}/{obj.name}"))
        return msgspec.structs.replace(obj, metadata=msgspec.structs.replace(obj.metadata, namespace=namespace, uid=uid))

    # -- carrying writes into files

    def _carried(self, obj: KubeObject, write: Callable[[], Result]) -> Result:
        """Do a write in memory and carry its effect on the object into the folder."""
        if self._lock is None:
            raise BugError("a folder that was opened for reading was written")
        key = key_of(obj)
        with self._mutex:
            self._check_untouched(obj, self._places.get(key))
            before = self._find(obj)
            result = write()
            try:
                self._carry(key, before, self._find(obj))
            except OSError as error:
                self._load()
                raise UnavailableError(f"{error.filename or self._folder} cannot be written: {error.strerror}") from None
            return result

    def _find(self, obj: KubeObject) -> KubeObject | None:
        try:
            return self._memory.get(type(obj), obj.namespace, obj.name)
        except NotFoundError:
            return None

    def _check_untouched(self, obj: KubeObject, place: _Place | None) -> None:
        """Raise ConflictError, after reading the folder again, when somebody edited the object's file meanwhile."""
        if place is None:
            return
        try:
            now = place.file.read_bytes()
        except OSError:
            now = b""
        if now != self._files[place.file]:
            self._load()
            raise ConflictError(f"{place.file} changed since {obj.ref} was read", status=409, reason="Conflict")

    def _carry(self, key: Key, before: KubeObject | None, after: KubeObject | None) -> None:
        """Write what changed. The state goes first: a crash then leaves books about a field that is not there yet."""
        if after is None:
            if before is not None:
                self._remove(key, before)
            self._state.drop(key)
            return
        if after == before:
            return
        self._state.put(after)
        if before is None:
            self._add(key, after)
        elif _manifest(before) != _manifest(after):
            self._change(key, before, after)

    def _add(self, key: Key, obj: KubeObject) -> None:
        path = self._free_path(obj)
        self._write(path, yamledit.new_document(_manifest(obj)), private=isinstance(obj, Secret))
        self._places[key] = _Place(path, 1, ())

    def _change(self, key: Key, before: KubeObject, after: KubeObject) -> None:
        place = self._places[key]
        text = self._text(place.file)
        old, new = _manifest(before), _manifest(after)
        if _is_json(text):
            changed = yamledit.change_json(text, place.path, old, new)
        else:
            parts = yamledit.split_parts(text)
            index = _part_at(parts, place.first_line)
            parts[index] = self._changed_part(parts[index], place.path, old, new, after)
            changed = "".join(parts)
        self._write(place.file, changed, private=self._holds_secret(place.file))
        self._renumber(place.file, text, changed, place)

    def _changed_part(self, part: str, path: yamledit.Path, old: dict[str, Any], new: dict[str, Any], after: KubeObject) -> str:
        """Return a document with the object changed; one that anchors or merges in a way no edit can follow is written anew."""
        changed = yamledit.change_yaml(part, path, old, new)
        if self._reads_as(changed, path, after) or path:
            return changed
        mark = "---\n" if part.startswith("---") else ""
        return mark + yamledit.new_document(new)

    def _reads_as(self, part: str, path: yamledit.Path, wanted: KubeObject) -> bool:
        document = next(parse_documents(SourceText("", part.encode())), None)
        if document is None or isinstance(document, InputError):
            return False
        found = next((value for place, value in list_items(document.value) if place == path), None)
        obj = decode_object(found) if isinstance(found, dict) else None
        return obj is not None and _manifest(self._placed(obj)) == _manifest(wanted)

    def _remove(self, key: Key, obj: KubeObject) -> None:
        place = self._places.pop(key)
        text = self._text(place.file)
        if _is_json(text):
            changed = yamledit.without_item(text, place.path, is_json=True) if place.path else ""
        else:
            parts = yamledit.split_parts(text)
            index = _part_at(parts, place.first_line)
            parts[index] = yamledit.without_item(parts[index], place.path, is_json=False) if place.path else ""
            changed = "".join(parts)
        if not changed.strip() and place.file.name == _file_name(obj):
            place.file.unlink()
            del self._files[place.file]
            return
        self._write(place.file, changed, private=self._holds_secret(place.file))
        self._renumber(place.file, text, changed, place)

    def _renumber(self, file: Path, before: str, after: str, changed: _Place) -> None:
        """Move the places of the objects that stand behind a changed document, or behind a removed item of its list."""
        difference = after.count("\n") - before.count("\n")
        is_removed = changed not in self._places.values()
        for place in self._places.values():
            if place.file != file:
                continue
            if place.first_line > changed.first_line:
                place.first_line += difference
            elif is_removed and changed.path and place.first_line == changed.first_line:
                place.path = _after_removal(place.path, changed.path)

    def _text(self, file: Path) -> str:
        return decode_text(SourceText(str(file), self._files[file]))

    def _write(self, path: Path, text: str, *, private: bool) -> None:
        data = text.encode()
        replace_file(path, data, private=private)
        self._files[path] = data

    def _holds_secret(self, file: Path) -> bool:
        return any(key[0] == Secret.RESOURCE.kind and place.file == file for key, place in self._places.items())

    def _free_path(self, obj: KubeObject) -> Path:
        path = self._folder / _file_name(obj)
        number = 2
        while path.exists():
            path = self._folder / f"{Path(_file_name(obj)).stem}-{number}.yaml"
            number += 1
        return path


def _manifest(obj: KubeObject) -> dict[str, Any]:
    """Return what belongs into a manifest: everything but what a server keeps."""
    document = encode_object(obj, reveal=True)
    document.pop("status", None)
    document["metadata"] = {key: value for key, value in document["metadata"].items() if key not in _SERVER_OWNED}
    return document


def _file_name(obj: KubeObject) -> str:
    name = "-".join(part for part in (obj.RESOURCE.kind.lower(), obj.namespace, obj.name) if part)
    if len(name) > MAX_FILE_NAME:
        name = f"{name[: MAX_FILE_NAME - 20]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return f"{name}.yaml"


def _is_json(text: str) -> bool:
    return text.lstrip(" \t\r\n").startswith("{")


def _part_at(parts: Sequence[str], first_line: int) -> int:
    line = 1
    for index, part in enumerate(parts):
        if line == first_line and part:
            return index
        line += part.count("\n")
    raise BugError("a document is not where it was read")


def _after_removal(path: yamledit.Path, removed: yamledit.Path) -> yamledit.Path:
    position, gone = path[-1], removed[-1]
    if isinstance(position, int) and isinstance(gone, int) and position > gone:
        return (*path[:-1], position - 1)
    return path


def _duplicate(obj: KubeObject, first: Loaded, second: Loaded) -> InputError:
    here, there = second.span(("metadata", "name")), first.span(("metadata", "name"))
    message = f"{obj.ref} is defined twice, first at {there.file}:{there.line}:{there.column}"
    return InputError(message, file=here.file, line=here.line, column=here.column, hint="keep one of the two manifests")
