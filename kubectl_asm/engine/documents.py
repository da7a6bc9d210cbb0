"""Fetched text to a document: which parser reads it and what that means for rendering.

Source: spec/data.md 4.1, 4.3, 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubectl_asm.errors import InputError
from kubectl_asm.gotemplate import gojson
from kubectl_asm.manifest.documents import split_documents
from kubectl_asm.manifest.nodes import Constructor, compose
from kubectl_asm.manifest.scalars import Dialect


class DocumentError(Exception):
    """The text cannot be read as the document that is needed; the message never quotes it."""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A parsed value and whether the text was strict JSON, which decides how members are written."""

    value: Any = field(repr=False)
    is_json: bool


def strict_json(text: str) -> tuple[bool, Any]:
    """Return (True, value) when the text starts with a bracket and is one JSON document; numbers are floats."""
    if not text.startswith(("{", "[")):
        return False, None
    try:
        return True, gojson.loads(text)
    except ValueError:
        return False, None


def parse_yaml(text: str) -> Any:
    """Return the first YAML document of a text, None for an empty one. Raises DocumentError."""
    try:
        first = next((part for _, part in split_documents(text.removeprefix("\ufeff"))), "")
        node = compose(first)
        return None if node is None else Constructor(Dialect.YAML_V3).value(node)
    except InputError as error:
        place = f"line {error.line}: " if error.line else ""
        raise DocumentError(f"not a YAML or JSON document: {place}{_without_text(error.message)}") from None


def parse_for_query(text: str) -> ParsedDocument:
    """Parse a value that JMESPath will query: YAML first, JSON when YAML refuses it. Raises DocumentError."""
    is_json, json_value = strict_json(text)
    try:
        return ParsedDocument(parse_yaml(text), is_json)
    except DocumentError:
        if is_json:
            return ParsedDocument(json_value, is_json)
        try:
            return ParsedDocument(gojson.loads(text), False)
        except ValueError:
            pass
        raise


def parse_for_extract(text: str) -> ParsedDocument:
    """Parse a value whose top-level members become keys. Raises DocumentError unless it is a mapping or empty."""
    is_json, value = strict_json(text)
    if not is_json:
        value = parse_yaml(text)
    if value is None:
        return ParsedDocument({}, is_json)
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, list) else "a single value"
        raise DocumentError(f"extract needs a document with named members, found {found}")
    return ParsedDocument(value, is_json)


def _without_text(message: str) -> str:
    """Drop quoted parts and character codes: parser messages may repeat text of the secret."""
    head = message.partition('"')[0].partition("#x")[0]
    return head.rstrip() or "unreadable"
