"""Changes objects inside manifest text and keeps everything else: comments, order, quoting, neighbours.

Pure text to text; the directory cluster decides what changes and writes the file. A change is the difference between two
encoded objects, laid over the document the user wrote, so fields the models do not know survive.
"""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from kubectl_asm.errors import BugError
from kubectl_asm.manifest.scalars import Dialect, resolve_plain

Path = tuple[str | int, ...]

_MARK = re.compile(r"^---(?=[ \t\r]|$)", re.MULTILINE)
_BARE_MARK = re.compile(r"---[ \t]*(#[^\n]*)?\r?\n")
_WIDTH = 1 << 20  # never fold: folding changes lines nobody asked to change


def split_parts(text: str) -> list[str]:
    """Return the documents of a YAML stream with their marks and comments; joined they are the text again."""
    starts = sorted({0, *(match.start() for match in _MARK.finditer(text))})
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def new_document(value: dict[str, Any]) -> str:
    """Return a manifest as YAML text."""
    return _dumped(_writer(2, 0), _quoted(value))


def change_yaml(part: str, path: Path, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return one YAML document with the object at path turned from old into new."""
    mark = match.group() if (match := _BARE_MARK.match(part)) else ""
    body = part[len(mark) :]
    yaml = _writer(_mapping_indent(body), _list_offset(body))
    yaml.explicit_start = not mark and part.startswith("---")
    document = yaml.load(body)
    _lay(_at(document, path), old, new)
    text = mark + _dumped(yaml, document)
    return text.replace("\n", "\r\n") if "\r\n" in part else text


def change_json(text: str, path: Path, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return a JSON manifest with the object at path turned from old into new."""
    document = json.loads(text)
    _lay(_at(document, path), old, new)
    return _json_text(document)


def without_item(text: str, path: Path, *, is_json: bool) -> str:
    """Return the text of a List without the item at path."""
    yaml = _writer(_mapping_indent(text), _list_offset(text))
    document = json.loads(text) if is_json else yaml.load(text)
    del _at(document, path[:-1])[path[-1]]
    return _json_text(document) if is_json else _dumped(yaml, document)


def _json_text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _writer(mapping: int, offset: int) -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=mapping, sequence=offset + 2, offset=offset)
    return yaml


def _mapping_indent(text: str) -> int:
    """Return the indentation of the first nested mapping of a text."""
    match = re.search(r"^[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*#[^\n]*\n|[ \t]*\r?\n)*( +)[^\s#-]", text, re.MULTILINE)
    return len(match[1]) if match else 2


def _list_offset(text: str) -> int:
    """Return by how much the dashes of a list stand to the right of its key."""
    match = re.search(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n( *)- ", text, re.MULTILINE)
    return max(len(match[2]) - len(match[1]), 0) if match else 0


def _dumped(yaml: YAML, document: Any) -> str:
    output = io.StringIO()
    yaml.dump(document, output)
    return output.getvalue()


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def _lay(node: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Turn a manifest node from old into new; a Secret's stringData is followed before its data."""
    old, new = dict(old), dict(new)
    if isinstance(node.get("stringData"), dict):
        _lay_texts(node, old.get("data") or {}, new.get("data") or {})
        texts = node.get("stringData") or {}
        for side in (old, new):
            rest = {key: value for key, value in (side.get("data") or {}).items() if key not in texts}
            side["data"] = {key: value for key, value in rest.items() if side is new or key in (node.get("data") or {})}
    _merge(node, old, new)


def _lay_texts(node: Any, old: dict[str, str], new: dict[str, str]) -> None:
    """Change keys that stand in stringData there, as long as their value is text."""
    texts = node["stringData"]
    for key in list(texts):
        if key in new and new[key] == old.get(key):
            continue
        text = _text(new[key]) if key in new else None
        if text is None:
            del texts[key]
        else:
            texts[key] = _quoted(text)
        if key in (node.get("data") or {}):
            del node["data"][key]
    if not texts:
        del node["stringData"]


def _text(data: str) -> str | None:
    try:
        return base64.b64decode(data).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _merge(node: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    for key in old.keys() - new.keys():
        node.pop(key, None)
    for key, value in new.items():
        before = old.get(key)
        if before == value:
            continue
        below = node.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            _merge(below, before if isinstance(before, dict) else {}, value)
        elif isinstance(before, list) and _are_lists_of_one_shape(below, before, value):
            for position, item in enumerate(value):
                _merge_item(below, position, before[position], item)
        else:
            node[key if key in node else _quoted(key)] = _quoted(value)


def _merge_item(nodes: Any, position: int, before: Any, item: Any) -> None:
    if before == item:
        return
    if isinstance(item, dict) and isinstance(before, dict) and isinstance(nodes[position], dict):
        _merge(nodes[position], before, item)
    else:
        nodes[position] = _quoted(item)


def _are_lists_of_one_shape(*values: Any) -> bool:
    return all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1


def _quoted(value: Any) -> Any:
    """Return value with texts in quotes that a YAML loader would take for something else, or fold."""
    if isinstance(value, dict):
        return {_quoted(key): _quoted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    if isinstance(value, str):
        if not value.isprintable() or any(resolve_plain(value, dialect) != value for dialect in Dialect):
            return DoubleQuotedScalarString(value)
        return value
    if value is None or isinstance(value, bool | int | float):
        return value
    raise BugError(f"a manifest cannot hold {type(value).__name__}")
