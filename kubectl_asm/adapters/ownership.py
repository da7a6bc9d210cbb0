"""Who manages which field: the part of metadata.managedFields this program reads.

Keeps the books an API server keeps, on field paths: an update owns what it changes, an apply owns what it names.
Lists are one field, as in the schemas of our kinds. Used by the memory adapter and, through it, by the directory.
Source: Kubernetes server-side apply, field management.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kubectl_asm.manifest.encode import encode_value
from kubectl_asm.model.objects import KubeObject, ManagedField

Path = tuple[str, ...]
Leaves = dict[Path, Any]

_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


def leaves_of(obj: KubeObject) -> Leaves:
    """Return every managed field of an object by path. Values are for comparison only; they never leave this module's users."""
    fields = encode_value(obj, reveal=True)
    metadata = {name: value for name, value in fields.pop("metadata", {}).items() if name in _METADATA}
    if hasattr(obj, "type"):
        fields["type"] = obj.type
    return dict(_walk({**fields, "metadata": metadata}, ()))


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, dict) or (path and not value and path != ("metadata",)):
        yield path, value
        return
    for key, member in value.items():
        yield from _walk(member, (*path, key))


def after_update(
    entries: Iterable[ManagedField], before: Leaves, after: Leaves, manager: str, subresource: str = ""
) -> tuple[ManagedField, ...]:
    """Return the books after an update: the manager owns what changed, nobody owns what is gone."""
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    return _rebuilt(entries, manager, "Update", subresource, gained=changed, existing=after.keys(), replaces=False)


def after_apply(
    entries: Iterable[ManagedField], before: Leaves, applied: Leaves, after: Leaves, manager: str
) -> tuple[ManagedField, ...]:
    """Return the books after an apply: the manager owns exactly what it applied; equal values are owned together."""
    kept = tuple(entries)
    forced = {path for path, value in applied.items() if path in before and before[path] != value}
    others = [_without(entry, forced) if not _is(entry, manager, "Apply", "") else entry for entry in kept]
    return _rebuilt(others, manager, "Apply", "", gained=set(applied), existing=after.keys(), replaces=True)


def conflicts(entries: Iterable[ManagedField], before: Leaves, applied: Leaves, manager: str) -> dict[Path, str]:
    """Return path to owner for every applied field that another manager owns with a different value."""
    differing = {path for path, value in applied.items() if path in before and before[path] != value}
    found: dict[Path, str] = {}
    for entry in entries:
        if not _is(entry, manager, "Apply", "") and not entry.subresource:
            found |= {path: entry.manager for path in paths_of(entry) if path in differing}
    return found


def owned(entries: Iterable[ManagedField], manager: str, operation: str) -> set[Path]:
    """Return the paths one manager owns through one operation."""
    return {path for entry in entries if _is(entry, manager, operation, "") for path in paths_of(entry)}


def paths_of(entry: ManagedField) -> set[Path]:
    """Return the field paths of one entry of managedFields."""
    return set(_paths(entry.fields_v1, ()))


def _paths(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, below in fields.items():
        if not key.startswith("f:"):
            continue  # ".", list items and set values: the whole list counts as one field here
        step = (*path, key[2:])
        children = [child for child in below if child.startswith("f:")] if isinstance(below, Mapping) else []
        if children:
            yield from _paths(below, step)
        else:
            yield step


def _rebuilt(
    entries: Iterable[ManagedField],
    manager: str,
    operation: str,
    subresource: str,
    *,
    gained: set[Path],
    existing: Iterable[Path],
    replaces: bool,
) -> tuple[ManagedField, ...]:
    alive = set(existing)
    result: list[ManagedField] = []
    own: set[Path] = set(gained)
    for entry in entries:
        if _is(entry, manager, operation, subresource):
            own |= set() if replaces else paths_of(entry)
            continue
        remaining = paths_of(entry) & alive if operation == "Apply" else (paths_of(entry) & alive) - gained
        if remaining:
            result.append(_entry(entry.manager, entry.operation, entry.subresource, remaining))
    own &= alive
    if own:
        result.append(_entry(manager, operation, subresource, own))
    return tuple(result)


def _without(entry: ManagedField, paths: set[Path]) -> ManagedField:
    return _entry(entry.manager, entry.operation, entry.subresource, paths_of(entry) - paths)


def _is(entry: ManagedField, manager: str, operation: str, subresource: str) -> bool:
    return (entry.manager, entry.operation, entry.subresource) == (manager, operation, subresource)


def _entry(manager: str, operation: str, subresource: str, paths: Iterable[Path]) -> ManagedField:
    fields: dict[str, Any] = {}
    for path in sorted(paths):
        place = fields
        for step in path:
            place = place.setdefault(f"f:{step}", {})
    return ManagedField(manager, operation, subresource, fields)
