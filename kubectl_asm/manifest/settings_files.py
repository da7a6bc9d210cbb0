"""Settings in files: `.asm.yaml` of a repository, and the Helm values of an ack-secret-manager release.

Source: spec/operation.md 1, spec/controller.md 3, spec/cli.md 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import Document, Path, SourceText, parse_documents
from kubectl_asm.manifest.settings_fields import (
    BY_NAME,
    FIELDS,
    SettingField,
    SettingValueError,
    all_fields,
    format_value,
    parse_text,
    parse_value,
)
from kubectl_asm.manifest.settings_given import Given, Reading, nearest

API_VERSION: Final = "kubectl-asm/v1"
KIND: Final = "Config"
_TOP_LEVEL: Final = ("apiVersion", "kind", "settings", "validate")
_EFFECTLESS: Final = frozenset({"command.reconcilePeriod", "command.reconcileCount", "command.backend"})
_WATCH: Final = ("env", "WATCH_NAMESPACE")


# --- .asm.yaml --------------------------------------------------------------------------------------------------------


def read_config(source: SourceText) -> Reading:
    """Return what `.asm.yaml` gives. Raises InputError with the place of the first problem."""
    document = config_document(source)
    reading = Reading()
    if document is None:
        return reading
    for key, value in _settings_of(document).items():
        one = _config_field(document, key)
        try:
            parsed = parse_value(one, value)
        except SettingValueError as error:
            raise _problem(document, ("settings", key), f"{key}: {error}") from None
        reading.values[one.name] = Given(parsed, str(document.span(("settings", key), key=True)))
    return reading.settled()


def config_document(source: SourceText) -> Document | None:
    """Return the checked document of `.asm.yaml`, None for an empty file. Raises InputError; sections are not looked into."""
    document = only_document(source)
    if document is None:
        return None
    root = document.value
    if not isinstance(root, dict):
        raise _problem(document, (), "the file is not a mapping")
    _check_keys(document, root)
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if root.get(key) != wanted:
            raise _problem(document, (key,), f"{key} must be {wanted}")
    return document


def _settings_of(document: Document) -> Mapping[str, Any]:
    settings = document.value.get("settings")
    if settings is not None and not isinstance(settings, dict):
        raise _problem(document, ("settings",), "settings must be a mapping")
    return settings or {}


def _check_keys(document: Document, root: Mapping[str, Any]) -> None:
    for key in root:
        if key not in _TOP_LEVEL:
            hint = _did_you_mean(str(key), _TOP_LEVEL) or "known: " + ", ".join(_TOP_LEVEL)
            raise _problem(document, (key,), f'unknown key "{str(key)[:64]}"', hint=hint, key=True)


def _config_field(document: Document, key: str) -> SettingField:
    known = {one.key: one for one in all_fields() if not one.flag_only}
    if key in known:
        return known[key]
    path = ("settings", key)
    barred = next((one for one in FIELDS if one.flag_only and one.key == key), None)
    if barred is not None:
        raise _problem(document, path, f"{key} is read from the command line only (--{barred.flag})", key=True)
    raise _problem(document, path, f'unknown setting "{str(key)[:64]}"', hint=_did_you_mean(str(key), known), key=True)


# --- Helm values ------------------------------------------------------------------------------------------------------


def read_helm_values(source: SourceText) -> Reading:
    """Return what the values of a release give; values that are not written are unknown. Raises InputError."""
    document = only_document(source)
    reading = Reading(unknown={one.name for one in FIELDS if one.helm})
    if document is None:
        return reading
    for one in all_fields():
        if one.helm:
            _read_helm_value(document, one, tuple(one.helm.split(".")), reading.values)
    _read_helm_value(document, BY_NAME["watch_namespaces"], _WATCH, reading.fallbacks)
    reading.warnings += _misspelt_values(document)
    reading.settled().unknown -= reading.values.keys()
    return reading


def _read_helm_value(document: Document, one: SettingField, path: Path, into: dict[str, Given]) -> None:
    """Read one value as the chart would write it into the controller's arguments.

    null counts as not written, and so does the empty text where no flag can be empty.
    """
    value = _member(document, path)
    if value is None or (value == "" and not one.allows_empty):
        return
    name = ".".join(map(str, path))
    try:
        parsed = parse_text(one, _rendered(value))
    except SettingValueError as error:
        raise _problem(document, path, f"{name}: {error}") from None
    into[one.name] = Given(parsed, f"--helm-values {document.span(path, key=True)} ({name})")


def _member(document: Document, path: Path) -> Any:
    value = document.value
    for depth, step in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _problem(document, path[:depth], f"{'.'.join(map(str, path[:depth])) or 'the file'} is not a mapping")
        value = value.get(step)
    return value


def _rendered(value: object) -> str:
    """Return a value as a chart prints it. Raises SettingValueError for what no flag can hold."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, str | bool | int):
        return format_value(value)
    raise SettingValueError("only texts, numbers and true or false can be flags")


def _misspelt_values(document: Document) -> Iterator[str]:
    command = _member(document, ("command",)) or {}
    known = {one.helm for one in all_fields() if one.helm} | _EFFECTLESS
    for key in command if isinstance(command, dict) else ():
        name = f"command.{key}"
        near = nearest(name, known) if name not in known else ""
        if near:
            yield f"{document.span(('command', key), key=True)}: {name} is no value of the chart; did you mean {near}?"


# --- both -------------------------------------------------------------------------------------------------------------


def only_document(source: SourceText) -> Document | None:
    """Return the document of a source, None for an empty one. Raises InputError."""
    found: Document | None = None
    for part in parse_documents(source):
        if isinstance(part, InputError):
            raise part
        if found is not None:
            raise InputError("the file holds more than one document", file=part.file, line=part.first_line, column=1)
        found = part
    return found


def _problem(document: Document, path: Path, message: str, *, hint: str | None = None, key: bool = False) -> InputError:
    span = document.span(path, key=key)
    return InputError(message, file=span.file, line=span.line, column=span.column, hint=hint)


def _did_you_mean(word: str, known: Iterable[str]) -> str | None:
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else None
