"""Changes of nodes as replacements of text: every byte outside of the replaced range stays what it is.

An edit is refused (None) where the text is not the node's alone: behind an alias or merge key, in a block scalar, where a
removal would leave an empty mapping or swallow a comment. Applied by apply_edits, proven by edit_proof.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from kubectl_asm.diagnostics import Change, ChangeKind, Edit, Fix, Span
from kubectl_asm.manifest.documents import Document
from kubectl_asm.manifest.positions import Places, Step
from kubectl_asm.manifest.scalars import Dialect, resolve_plain

_PLAIN = re.compile(r"[A-Za-z0-9_./$(@][-A-Za-z0-9_./$(){}@]*", re.ASCII)
_SAFE_INSIDE = re.compile(r"[-A-Za-z0-9_.${}]+", re.ASCII)
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|$)")
_BRACES: Final = ("{{", "}}")

Range = tuple[int, int]


def fix_of(document: Document, places: Places, change: Change) -> Fix | None:
    """Return a change with the replacement that makes it, None when the text is not the node's alone."""
    found = places.own_steps(change.path)
    made = _edit(document.text, places, change, found) if found else None
    if found is None or made is None:
        return None
    if change.kind is ChangeKind.QUOTE:
        node = found[-1][1]
        change = msgspec.structs.replace(change, text=document.text[places.begin(node) : node.end_mark.index])
    return Fix(_title(change), made, change)


def _title(change: Change) -> str:
    if change.kind is ChangeKind.QUOTE:
        return "put it in quotes"
    return f"remove {change.path[-1]}" if change.kind is ChangeKind.REMOVE else f"write {change.text}"


def _edit(text: str, places: Places, change: Change, found: Sequence[Step]) -> Edit | None:
    key, node = found[-1]
    made: tuple[Range, str] | None = None
    match change.kind:
        case ChangeKind.RENAME if isinstance(key, ScalarNode):
            made = _scalar(text, key, change.text, places)
        case ChangeKind.VALUE if isinstance(node, ScalarNode):
            made = _scalar(text, node, change.text, places)
        case ChangeKind.QUOTE:
            made = _quoted(text, node, places)
        case ChangeKind.INSIDE if isinstance(node, ScalarNode) and _SAFE_INSIDE.fullmatch(change.text):
            return Edit(places.inner(change.path, change.offset, change.length), change.text)
        case ChangeKind.REMOVE if len(found) > 1:
            made = _removed(text, found[-2][1], change, places)
        case _:
            pass
    return Edit(places.at(*made[0]), made[1]) if made else None


def _scalar(text: str, node: ScalarNode, new: str, places: Places) -> tuple[Range, str] | None:
    """Write another text in the style of the old one."""
    begin = places.begin(node)
    here = (begin, node.end_mark.index)
    if node.style in ("|", ">") or "\n" in text[slice(*here)]:
        return None
    if node.style == "'":
        return here, "'" + new.replace("'", "''") + "'"
    if not node.style and _PLAIN.fullmatch(new) and resolve_plain(new, Dialect.KUBECTL) == new:
        return here, new
    return here, json.dumps(new, ensure_ascii=False)


def _quoted(text: str, node: Node, places: Places) -> tuple[Range, str] | None:
    """Put what is written between quotation marks: a plain scalar, or template braces that YAML took for a mapping."""
    here = (places.begin(node), node.end_mark.index)
    written = text[slice(*here)]
    if "\n" in written:
        return None
    if isinstance(node, ScalarNode):
        return (here, json.dumps(written, ensure_ascii=False)) if not node.style else None
    if written.startswith(_BRACES[0]) and written.endswith(_BRACES[1]):
        return here, "'" + written.replace("'", "''") + "'"
    return None


# -- removing members


def _removed(text: str, mapping: Node, change: Change, places: Places) -> tuple[Range, str] | None:
    if not isinstance(mapping, MappingNode) or len(mapping.value) < 2:
        return None
    name = change.path[-1]
    same = [at for at, (key, _) in enumerate(mapping.value) if isinstance(key, ScalarNode) and key.value == name]
    if change.occurrence >= len(same):
        return None
    at = same[change.occurrence]
    if mapping.flow_style:
        found = _from_flow(text, mapping, at, places)
    else:
        found = _from_block(text, mapping, at, places)
    return (found, "") if found else None


def _from_flow(text: str, mapping: MappingNode, at: int, places: Places) -> Range | None:
    key, value = mapping.value[at]
    if at + 1 < len(mapping.value):
        found = (key.start_mark.index, mapping.value[at + 1][0].start_mark.index)
    else:
        before, here = _end(text, mapping.value[at - 1], places), _end(text, (key, value), places)
        if before is None or here is None:
            return None
        found = (before, here)
    return None if "#" in _outside_quotes(text[slice(*found)]) else found


def _from_block(text: str, mapping: MappingNode, at: int, places: Places) -> Range | None:
    key = mapping.value[at][0]
    start, end = key.start_mark.index, _end(text, mapping.value[at], places)
    if end is None:
        return None
    rest = _LINE_END.match(text, end) if text[end - 1 : end] != "\n" else None
    line = text.rfind("\n", 0, start) + 1
    if not text[line:start].strip(" "):
        return (line, rest.end() if rest else end) if rest or text[end - 1 : end] == "\n" else None
    following = mapping.value[at + 1][0].start_mark.index if at + 1 < len(mapping.value) else None
    if following is None or "#" in text[end:following]:  # the first member of a list item shares its line with the dash
        return None
    return start, following


def _end(text: str, pair: tuple[Node, Node], places: Places) -> int | None:
    """Return where a member ends in the text; the marks of block collections point behind the comments after them."""
    key, node = pair
    last: Node = node
    while isinstance(last, CollectionNode) and not last.flow_style and last.value:
        below = last.value[-1]
        last = below if isinstance(last, SequenceNode) else below[1]
    if last.start_mark.index < key.end_mark.index:  # an alias: its node lies where it is anchored
        return None
    if isinstance(last, ScalarNode) and not last.value and last.start_mark.index == last.end_mark.index:
        return text.index(":", key.end_mark.index) + 1 if last is node else None
    return max(last.end_mark.index, places.begin(last))


def _outside_quotes(text: str) -> str:
    return re.sub(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", "", text)


# -- files


def apply_edits(data: bytes, edits: Iterable[Edit]) -> tuple[bytes, tuple[Edit, ...]]:
    """Return a file's bytes with edits made, and the edits that were; of two that overlap the first in the text is made.

    Encoding, byte order mark and line ends stay. data: bytes that decode_text reads.
    """
    encoding, mark = _encoding(data)
    text, made = edited_text(data[len(mark) :].decode(encoding), edits)
    return mark + text.encode(encoding), made


def edited_text(text: str, edits: Iterable[Edit], *, first_line: int = 1) -> tuple[str, tuple[Edit, ...]]:
    """Return a text that starts on a line of its file with edits made, and the edits that were."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    parts, made, done = [], [], 0
    for edit in sorted(edits, key=lambda one: _key(one.span)):
        begin, end = _range(edit.span, starts, first_line)
        if begin < done or end < begin:
            continue
        parts += [text[done:begin], edit.text]
        made.append(edit)
        done = end
    return "".join([*parts, text[done:]]), tuple(made)


def _key(span: Span) -> tuple[int, int, int, int]:
    return span.line, span.column, span.end_line, span.end_column


def _range(span: Span, starts: Sequence[int], first_line: int) -> Range:
    begin = starts[span.line - first_line] + span.column - 1
    return begin, starts[span.end_line - first_line] + span.end_column - 1


def _encoding(data: bytes) -> tuple[str, bytes]:
    for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")):
        if data.startswith(mark):
            return encoding, mark
    return "utf-8", b""
