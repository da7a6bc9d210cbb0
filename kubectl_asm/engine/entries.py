"""One fetched entry to Secret keys: decoding, naming, JMESPath, extract and replaceRule.

Pure. Every function takes what was fetched and returns keys with values, or raises EntryError with a reason that is
safe to store in a status.
Source: spec/data.md 2 to 5.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from kubectl_asm.engine import goyaml, jmes
from kubectl_asm.engine.documents import DocumentError, ParsedDocument, parse_for_extract, parse_for_query
from kubectl_asm.gotemplate import gojson
from kubectl_asm.gotemplate.budget import BudgetExceeded
from kubectl_asm.gotemplate.floats import format_v
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.manifest.nodes import TypedKey
from kubectl_asm.model.backend import Provider, SecretAnswer
from kubectl_asm.model.externalsecret import DataProcess, DataSource, ReplaceRule
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Collections, ExtractStrings, Settings

Keys = dict[str, SecretBytes]

TOO_DEEP: Final = "the document is nested too deeply"
MAX_REWRITTEN: Final = 16 * 1024 * 1024


class EntryError(Exception):
    """An entry produces nothing; the text is its reason."""


class EntryKeys(msgspec.Struct, frozen=True):
    """Keys of one entry and the notes a trace shows: skipped paths, fallbacks, renamed members. No values."""

    keys: Keys
    notes: tuple[str, ...] = msgspec.field(default=())


def payload(provider: Provider, key: str, answer: SecretAnswer) -> SecretBytes:
    """Return the bytes of an answer. Raises EntryError (spec/data.md 2.1, 2.2)."""
    if not answer.has_body or (provider is Provider.OOS and answer.data is None):
        raise EntryError("response is empty")
    if answer.data is None:
        raise EntryError("secret data is empty")
    if not answer.is_binary:
        return answer.data
    raw = answer.data.reveal().translate(None, b"\r\n")
    try:
        return SecretBytes(base64.b64decode(raw, validate=True))
    except (binascii.Error, ValueError):
        raise EntryError(f"decode binary data error: the value is not standard base64, key {key}") from None


def output_names(source: DataSource) -> tuple[str, ...]:
    """Return every Secret key a data entry may write, before its value is known (spec/data.md 3)."""
    if not source.jmes_path:
        return (source.target_key,)
    return (*(rule.object_alias or source.key for rule in source.jmes_path), source.target_key)


def data_keys(source: DataSource, value: SecretBytes, settings: Settings) -> EntryKeys:
    """Return the keys of a spec.data entry; an unusable document falls back to the raw value.

    Raises EntryError only where a document or a path is beyond our limits: a fallback would replace good keys.
    """
    if not source.jmes_path:
        return EntryKeys({source.target_key: value})
    try:
        document = parse_for_query(value.reveal_text())
    except RecursionError:
        raise EntryError(TOO_DEEP) from None
    except DocumentError as error:
        return EntryKeys({source.target_key: value}, (f"raw value kept: {error}",))
    keys, notes = _query(source, document, settings)
    if keys:
        return EntryKeys(keys, tuple(notes))
    return EntryKeys({source.target_key: value}, (*notes, "raw value kept: no path gave a result"))


def _query(source: DataSource, document: ParsedDocument, settings: Settings) -> tuple[Keys, list[str]]:
    try:
        prepared = jmes.prepare(document.value, integers_are_numbers=settings.jmespath_document_integers)
    except RecursionError:
        raise EntryError(TOO_DEEP) from None
    is_json = document.is_json and settings.jmespath_collections is Collections.JSON
    keys: Keys = {}
    notes: list[str] = []
    for rule in source.jmes_path:
        try:
            text = query_text(jmes.evaluate(rule.path, prepared), is_json=is_json)
        except jmes.PathSyntaxError as error:
            notes.append(f"path {rule.path!r} skipped: {error}")
            continue
        except jmes.PathBudgetError as error:
            raise EntryError(f"jmesPath {rule.path[:64]!r}: {error}") from None
        if text is None:
            notes.append(f"path {rule.path!r} skipped: no result")
        else:
            keys[rule.object_alias or source.key] = SecretBytes.of_text(text)
    return keys, notes


def query_text(value: Any, *, is_json: bool) -> str | None:
    """Return the text of a query result, None for results that are skipped (spec/data.md 4.3).

    is_json: whether lists and maps are written as JSON.
    """
    if value is None or isinstance(value, datetime | jmes.OpaqueMap):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return format_v(value)
    if isinstance(value, bool | int):
        return goyaml.plain_scalar(value)
    try:
        return None if _holds_opaque(value) else _written(value, is_json=is_json)
    except RecursionError:
        raise EntryError(TOO_DEEP) from None
    except gojson.JSONError:
        return None  # an infinity made by the expression has no JSON text


def _written(value: Any, *, is_json: bool) -> str:
    """Return the text of a container. Raises JSONError, and EntryError for nesting that only Go can write."""
    try:
        return gojson.dumps(value) if is_json else goyaml.dump(value)
    except (RecursionError, BudgetExceeded):
        raise EntryError(TOO_DEEP) from None


def _holds_opaque(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_opaque(member) for member in value.values())
    if isinstance(value, list):
        return any(_holds_opaque(item) for item in value)
    return isinstance(value, jmes.OpaqueMap)


def extract_keys(process: DataProcess, value: SecretBytes, settings: Settings) -> EntryKeys:
    """Return the keys of a dataProcess entry. Raises EntryError."""
    assert process.extract is not None
    try:
        document = parse_for_extract(value.reveal_text())
    except DocumentError as error:
        raise EntryError(str(error)) from None
    members = _members(document, settings)
    renamed, notes = _renamed(members, process.replace_rule)
    if settings.replace_values:
        renamed = {name: _with_values_replaced(text, process.replace_rule) for name, text in renamed.items()}
    aliases = _aliases(process.extract)
    keys = {aliases.get(name, name): SecretBytes.of_text(text) for name, text in renamed.items()}
    return EntryKeys(keys, tuple(notes))


def _members(document: ParsedDocument, settings: Settings) -> dict[str, str]:
    result: dict[str, str] = {}
    for key, value in document.value.items():
        name = _member_name(key)
        if name is not None:
            result[name] = member_text(value, is_json=document.is_json, strings=settings.extract_json_strings)
    return result


def _member_name(key: Any) -> str | None:
    if isinstance(key, str):
        return key
    assert isinstance(key, TypedKey)
    if key.value is None:
        return None
    if isinstance(key.value, float):
        return format_v(key.value)
    return goyaml.plain_scalar(key.value)


def member_text(value: Any, *, is_json: bool, strings: ExtractStrings) -> str:
    """Return the text of one extracted member (spec/data.md 5.2)."""
    if isinstance(value, str):
        return gojson.dumps(value) if is_json and strings is ExtractStrings.QUOTED else value
    try:
        return _written(value, is_json=is_json)
    except gojson.JSONError:
        raise EntryError(TOO_DEEP) from None


def _renamed(members: Mapping[str, str], rules: Sequence[ReplaceRule]) -> tuple[dict[str, str], list[str]]:
    """Apply every rule to every name; names are processed in code-point order and the last of equal names wins."""
    if not rules:
        return dict(members), []
    result: dict[str, str] = {}
    notes: list[str] = []
    for name in sorted(members):
        new = rewrite_name(name, rules)
        if new in result:
            notes.append(f"member {name!r} replaces another member rewritten to {new!r}")
        elif new != name:
            notes.append(f"member {name!r} becomes {new!r}")
        result[new] = members[name]
    return result, notes


def rewrite_name(name: str, rules: Iterable[ReplaceRule]) -> str:
    """Return a member name after all rules. Raises EntryError for a pattern RE2 refuses and for names that explode."""
    for rule in rules:
        if (len(name) + 1) * (len(rule.target) + rule.target.count("$") * len(name)) > MAX_REWRITTEN:
            raise EntryError(f'replaceRule "{rule.source[:64]}" may make a member name larger than any Secret')
        try:
            name = compile_regex(rule.source).replace_all(name, rule.target)
        except RegexError as error:
            raise EntryError(f'failed to compile replaceKey regexp "{rule.source}": {error}') from None
    return name


def _with_values_replaced(text: str, rules: Iterable[ReplaceRule]) -> str:
    for rule in rules:
        if len(text) + text.count(rule.source) * len(rule.target) > MAX_REWRITTEN:
            raise EntryError(f'replaceRule "{rule.source[:64]}" makes a value larger than any Secret')
        text = text.replace(rule.source, rule.target)
    return text


def _aliases(extract: DataSource) -> dict[str, str]:
    """Return member name to alias: the first rule with that path as plain text decides (spec/data.md 5.4)."""
    result: dict[str, str] = {}
    for rule in extract.jmes_path:
        result.setdefault(rule.path, rule.object_alias or rule.path)
    return result
