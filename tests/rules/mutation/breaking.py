"""Good manifests, broken in one place each: the new text, the line that is wrong now, and what was done.

Reads with PyYAML's own composer, so that the places do not come from the code under test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tests.rules.mutation.fields import FIELDS, LIST, MAP, REFERENCES, STRUCT, TEXT, Field, misspelt

_WRONG_FORMS: Final = {
    TEXT: ("7", "true", "[a]", "{a: b}"),
    LIST: ("text", "7", "{a: b}"),
    MAP: ("text", "7", "[a]"),
    STRUCT: ("text", "7", "[a]"),
}
GONE: Final = "-gone"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One broken text. how: what was done; path: where; lines: those that count as the mutated one, from 1."""

    how: str
    path: str
    text: str
    lines: frozenset[int]

    @property
    def needs_closed_world(self) -> bool:
        """Whether it is only wrong when nothing exists outside of the set."""
        return self.how.startswith("reference")


@dataclass(frozen=True, slots=True)
class _Place:
    """A member: its key (None in a list), its value, and the pairs or items around it."""

    path: str
    key: ScalarNode | None
    value: Node
    parent: Node
    parent_key: Node | None


def mutations(text: str) -> Iterator[Mutation]:
    """Yield every mutation of every object of ours in a text."""
    for root in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        for node in _objects(root):
            fields = FIELDS.get(_member(node, "kind"))
            if fields and _member(node, "apiVersion").startswith("alibabacloud.com/"):
                yield from _Breaker(text, fields).mutations(node)


def _objects(root: Node | None) -> Iterator[MappingNode]:
    if isinstance(root, MappingNode):
        items = [value for key, value in root.value if key.value == "items" and isinstance(value, SequenceNode)]
        yield from (one for one in (items[0].value if items else [root]) if isinstance(one, MappingNode))


def _member(node: MappingNode, name: str) -> str:
    return next((str(value.value) for key, value in node.value if key.value == name), "")


class _Breaker:
    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._text = text
        self._fields = fields
        self._seen: set[int] = set()

    def mutations(self, root: MappingNode) -> Iterator[Mutation]:
        for place in self._places(root, "", None):
            field = self._fields.get(place.path)
            if field is not None:
                yield from self._keys(place, field)
                yield from self._values(place, field)

    def _places(self, node: Node, path: str, key: Node | None) -> Iterator[_Place]:
        """Yield the members below a node, those with anchors and aliases apart: their text serves other places."""
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        for one, where, value in self._members(node, path):
            if self._text[value.start_mark.index : value.start_mark.index + 1] not in ("&", "*") and id(value) not in self._seen:
                yield _Place(where, one, value, node, key)
            yield from self._places(value, where, key if one is None else one)

    def _members(self, node: Node, path: str) -> Iterator[tuple[ScalarNode | None, str, Node]]:
        if isinstance(node, SequenceNode):
            yield from ((None, f"{path}[]", value) for value in node.value)
        elif isinstance(node, MappingNode):
            field = self._fields.get(path)
            is_free = field is not None and field.form == MAP
            yield from ((key, f"{path}.{'*' if is_free else key.value}".lstrip("."), value) for key, value in node.value)

    # -- keys

    def _keys(self, place: _Place, field: Field) -> Iterator[Mutation]:
        if place.key is None or place.path == "apiVersion":  # without it the object is not known to be ours
            return
        if place.path.endswith(".*"):
            free = self._fields[place.path[:-2]]
            for key in free.keys:
                yield self._replaced("key outside its syntax", place, place.key, json.dumps(key))
            return
        parent = place.path.rpartition(".")[0]
        for key in misspelt(str(place.key.value)):
            if f"{parent}.{key}".lstrip(".") not in self._fields:
                yield self._replaced("field renamed", place, place.key, self._written(place.key, key))
        if field.is_required:
            yield self._deleted(place)

    def _written(self, key: ScalarNode, word: str) -> str:
        return json.dumps(word) if self._text[key.start_mark.index] in "'\"" else word

    def _replaced(self, how: str, place: _Place, node: Node, new: str) -> Mutation:
        return self._spliced(f"{how}: {_short(new)}", place, node.start_mark.index, self._end(node), new)

    def _spliced(self, how: str, place: _Place, start: int, end: int, new: str) -> Mutation:
        text = self._text[:start] + new + self._text[end:]
        return Mutation(how, place.path, text, frozenset({self._line(start)}))

    def _deleted(self, place: _Place) -> Mutation:
        """Remove a pair. The parent's key counts, in a list element the first key that is left."""
        assert isinstance(place.parent, MappingNode)
        pairs = place.parent.value
        index = next(at for at, (key, _) in enumerate(pairs) if key is place.key)
        lines = {self._line(place.parent.start_mark.index), self._line(pairs[0][0].start_mark.index)}
        if place.parent_key is not None:
            lines.add(self._line(place.parent_key.start_mark.index))
        if len(pairs) == 1:
            start, end, new = place.parent.start_mark.index, self._end(place.parent), "{}"
        elif index + 1 < len(pairs):
            start, end, new = pairs[index][0].start_mark.index, pairs[index + 1][0].start_mark.index, ""
        else:
            start, end, new = self._end(pairs[index - 1][1]), self._end(place.value), ""
        return Mutation("required field deleted", place.path, self._text[:start] + new + self._text[end:], frozenset(lines))

    # -- values

    def _values(self, place: _Place, field: Field) -> Iterator[Mutation]:
        for new in _WRONG_FORMS[field.form] if place.path != "apiVersion" else ():
            yield self._valued("wrong type", place, new)
        is_read = not (
            isinstance(place.parent, MappingNode) and field.unless in {str(key.value) for key, _ in place.parent.value}
        )
        for wrong in field.wrong if is_read else ():
            yield self._valued("value outside its syntax", place, json.dumps(wrong))
        if place.path.endswith(REFERENCES) and isinstance(place.value, ScalarNode):
            yield self._valued("reference broken", place, json.dumps(f"{place.value.value}{GONE}"))

    def _valued(self, how: str, place: _Place, new: str) -> Mutation:
        """Replace a value; behind its key, so that a block becomes a plain value of the key's line."""
        end = self._end(place.value)
        if place.key is None:
            return self._spliced(f"{how}: {_short(new)}", place, place.value.start_mark.index, end, new)
        return self._spliced(f"{how}: {_short(new)}", place, self._end(place.key), end, f": {new}")

    def _end(self, node: Node) -> int:
        """Return where a node's text ends; that of a block goes on to the next token."""
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self._text[start:end].rstrip())

    def _line(self, index: int) -> int:
        return self._text.count("\n", 0, index) + 1


def _short(text: str) -> str:
    return text if len(text) < 40 else f"{text[:20]}... ({len(text)} characters)"
