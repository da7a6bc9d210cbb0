"""Slash-separated paths. The ``os`` twins are the same functions: the controller runs on Linux.

Nothing here looks at a file system. Called through the table in ``funcs/__init__.py``. Source: Go path package.
"""

from __future__ import annotations

from collections.abc import Callable

from kubectl_asm.gotemplate.funcs.signature import Function

GROUP = "paths"


def clean(path: str) -> str:
    """Return the shortest equal path: no empty or ``.`` elements, inner ``..`` resolved; an empty path is ``.``."""
    rooted = path.startswith("/")
    kept: list[str] = []
    for element in path.split("/"):
        if element in ("", "."):
            continue
        if element != "..":
            kept.append(element)
        elif kept and kept[-1] != "..":
            kept.pop()
        elif not rooted:
            kept.append(element)
    return ("/" if rooted else "") + "/".join(kept) or "."


def base(path: str) -> str:
    """Return the last element; ``.`` for an empty path, ``/`` for one of slashes only."""
    if path == "":
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def directory(path: str) -> str:
    """Return all but the last element, cleaned."""
    head, slash, _ = path.rpartition("/")
    return clean(head + slash)


def ext(path: str) -> str:
    """Return the last element from its last dot on, empty when it has none."""
    name = path.rpartition("/")[2]
    _, dot, suffix = name.rpartition(".")
    return dot + suffix if dot else ""


def is_abs(path: str) -> bool:
    """Whether the path begins with a slash."""
    return path.startswith("/")


def _pair(name: str, os_name: str, call: Callable[[str], object], result: str, summary: str) -> tuple[Function, Function]:
    return (
        Function(name, GROUP, call, ("string",), result, summary=summary),
        Function(os_name, GROUP, call, ("string",), result, summary=f"Like {name}."),
    )


FUNCTIONS: tuple[Function, ...] = (
    *_pair("base", "osBase", base, "string", "Last element of a path."),
    *_pair("clean", "osClean", clean, "string", "Shortest equal path."),
    *_pair("dir", "osDir", directory, "string", "All but the last element of a path."),
    *_pair("ext", "osExt", ext, "string", "File name extension of a path."),
    *_pair("isAbs", "osIsAbs", is_abs, "bool", "Whether a path begins with a slash."),
)
