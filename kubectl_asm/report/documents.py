"""YAML and JSON on stdout: one versioned object, or a stream of Secrets. Byte-stable.

Source: spec/cli.md 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any, Final

import msgspec
import yaml

from kubectl_asm.manifest.scalars import Dialect, resolve_plain

API: Final = "kubectl-asm/v1"

_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):  # type: ignore[misc]  # the C base has no type information
    """Quotes every text that a Kubernetes loader would read as something else (`y`, `1e3`, `08`)."""


def _text_node(dumper: Any, text: str) -> Any:
    is_text = all(isinstance(resolve_plain(text, dialect), str) for dialect in Dialect)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_text else "'")


_Dumper.add_representer(str, _text_node)


def envelope(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a versioned output object."""
    return {"apiVersion": API, "kind": kind, **fields}


def write_object(out: IO[str], document: Mapping[str, Any], form: str) -> None:
    """Write one object as json or yaml."""
    if form == "json":
        out.write(json_text(document) + "\n")
    else:
        out.write(yaml_text(document))


def json_text(document: Any) -> str:
    """Return a document as indented JSON, several times as fast as the standard library writes it."""
    try:
        return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    except UnicodeEncodeError:  # half of a character, from a file that is no UTF-8
        return json.dumps(document, indent=2)


def yaml_text(document: Any) -> str:
    """Return a document as YAML in the order of its keys."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
    return text


def write_stream(out: IO[str], documents: Iterable[Mapping[str, Any] | str]) -> None:
    """Write a YAML stream; texts become comments in their place."""
    for document in documents:
        if isinstance(document, str):
            out.write("".join(f"# {line}\n" for line in document.splitlines()))
        else:
            out.write("---\n" + yaml_text(document))
