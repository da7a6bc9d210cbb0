"""Kubeconfig files to one cluster and one user, with kubectl's rules of precedence.

The official client's merger lets the last file win where kubectl lets the first one; its loader writes keys to temporary
files. So files are read here, and its parts serve where they match kubectl (credentials.py).
Source: kubectl's loading rules (KUBECONFIG list, first value wins, paths relative to the file they stand in).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.documents import Document, SourceText, parse_documents

SHOWN_NAMES = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A named entry and the folder of the file it stands in, for its relative paths."""

    value: Mapping[str, Any] = field(default_factory=dict, repr=False)
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """Merged kubeconfig files. paths: those that were looked for; found: whether any existed."""

    paths: tuple[Path, ...] = ()
    found: bool = False
    current_context: str = ""
    clusters: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    contexts: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    users: Mapping[str, Entry] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Selected:
    """The context in use, followed to its cluster and user."""

    context: str = ""
    namespace: str = ""
    cluster: Entry = field(default_factory=Entry)
    user: Entry = field(default_factory=Entry)


def kubeconfig_paths(explicit: str, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files to read: --kubeconfig, else the KUBECONFIG list, else ~/.kube/config."""
    if explicit:
        return (Path(explicit).expanduser(),)
    listed = [part for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return tuple(Path(part).expanduser() for part in listed)
    home = environment.get("HOME") or environment.get("USERPROFILE") or ""
    return (Path(home) / ".kube" / "config",) if home else ()


def load_kubeconfig(paths: Sequence[Path], *, must_exist: bool) -> Kubeconfig:
    """Read and merge files. Missing ones are skipped unless must_exist. Raises UsageError, InputError."""
    sections: dict[str, dict[str, Entry]] = {"clusters": {}, "contexts": {}, "users": {}}
    current, found = "", False
    for path in paths:
        value = _read(path, must_exist=must_exist)
        if value is None:
            continue
        found = True
        current = current or str(value.get("current-context") or "")
        for section, entries in sections.items():
            for name, content in _named(value.get(section), section, path):
                entries.setdefault(name, Entry(content, path.parent))
    return Kubeconfig(tuple(paths), found, current, **sections)


def _read(path: Path, *, must_exist: bool) -> Mapping[str, Any] | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if must_exist:
            raise UsageError(f"the kubeconfig {path} does not exist") from None
        return None
    except OSError as error:
        raise UsageError(f"the kubeconfig {path} cannot be read: {error.strerror}") from None
    for document in parse_documents(SourceText(str(path), data)):
        if isinstance(document, InputError):
            raise document
        assert isinstance(document, Document)
        if not isinstance(document.value, dict):
            raise InputError("a kubeconfig is a mapping", file=str(path), line=document.first_line)
        return document.value
    return {}


def _named(value: Any, section: str, path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    key = section.removesuffix("s")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in value):
        raise InputError(f"{section} must be a list of entries with a name", file=str(path))
    return [(item["name"], item[key] if isinstance(item.get(key), dict) else {}) for item in value]


def select(config: Kubeconfig, *, context: str, cluster: str, user: str) -> Selected:
    """Follow the context to cluster and user; the arguments replace what the files say. Raises UsageError."""
    name = context or config.current_context
    if name and name not in config.contexts:
        raise UsageError(f'the context "{name}" does not exist in the kubeconfig', hint=_names("contexts", config.contexts))
    content = config.contexts[name].value if name else {}
    cluster_name = cluster or str(content.get("cluster") or "")
    user_name = user or str(content.get("user") or "")
    if cluster_name and cluster_name not in config.clusters:
        raise UsageError(
            f'the cluster "{cluster_name}" does not exist in the kubeconfig', hint=_names("clusters", config.clusters)
        )
    if user_name and user_name not in config.users:
        raise UsageError(f'the user "{user_name}" does not exist in the kubeconfig', hint=_names("users", config.users))
    return Selected(
        name,
        str(content.get("namespace") or ""),
        config.clusters.get(cluster_name, Entry()),
        config.users.get(user_name, Entry()),
    )


def _names(what: str, entries: Mapping[str, Entry]) -> str:
    names = sorted(entries)
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return f"{what} there are: {', '.join(names[:SHOWN_NAMES])}{more}" if names else f"the kubeconfig has no {what}"
