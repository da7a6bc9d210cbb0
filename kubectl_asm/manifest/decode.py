"""Plain values to typed objects: one function for manifests, fixtures of tests and live JSON alike.

Unknown fields are kept in the document for the linter and ignored here; null equals absent, as in Go.
Errors name the field and the expected type, never the value.
Source: spec/api.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from kubectl_asm.errors import InputError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import API_VERSION, ConfigMap, KubeObject, Namespace, Secret, ServiceAccount
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore

KINDS: Final[dict[tuple[str, str], type[KubeObject]]] = {
    (kind.RESOURCE.api_version, kind.RESOURCE.kind): kind
    for kind in (
        ExternalSecret,
        SecretStore,
        ClusterSecretStore,
        ClusterExternalSecret,
        Secret,
        ConfigMap,
        ServiceAccount,
        Namespace,
    )
}
OWN_KINDS: Final = frozenset(kind for version, kind in KINDS if version == API_VERSION)

Obj = TypeVar("Obj", bound=KubeObject)

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


class FieldError(Exception):
    """A value of the wrong type. path: steps to it, as far as they are known; message holds no value."""

    def __init__(self, message: str, path: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def kind_of(value: Any) -> type[KubeObject] | None:
    """Return the model class of a decoded manifest, None for kinds this program does not use."""
    if not isinstance(value, dict):
        return None
    return KINDS.get((str(value.get("apiVersion")), str(value.get("kind"))))


def list_items(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield (path, object) of a document: itself, or the items of a List."""
    if isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        for position, item in enumerate(value["items"]):
            yield ("items", position), item
    else:
        yield (), value


def decode_object(value: dict[str, Any]) -> KubeObject | None:
    """Return the typed object of a manifest, None for kinds this program does not use. Raises FieldError."""
    kind = kind_of(value)
    return None if kind is None else decode_as(kind, value)


def decode_as(kind: type[Obj], value: dict[str, Any]) -> Obj:
    """Return value as an object of the given kind. Raises FieldError."""
    if kind is Secret:
        value = _with_string_data(value)
    try:
        return msgspec.convert(value, kind, dec_hook=decode_secret_bytes)
    except msgspec.ValidationError:
        pass
    try:
        return msgspec.convert(without_nulls(value), kind, dec_hook=decode_secret_bytes)
    except msgspec.ValidationError as error:
        raise field_error(error) from None


def decode_secret_bytes(kind: type, value: Any) -> Any:
    """Decode hook: base64 text becomes SecretBytes; SecretBytes pass through."""
    if kind is not SecretBytes:
        raise NotImplementedError(kind)
    if isinstance(value, SecretBytes):
        return value
    if not isinstance(value, str):
        raise ValueError("Expected base64 text")
    try:
        return SecretBytes(base64.b64decode(value.translate({10: None, 13: None}), validate=True))
    except ValueError:  # binascii.Error is one
        raise ValueError("Expected base64 text") from None


def _with_string_data(value: dict[str, Any]) -> dict[str, Any]:
    """Merge stringData into data, as the API server does on every write."""
    texts = value.get("stringData")
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        return value
    data = value.get("data") or {}
    merged = {**data, **{key: SecretBytes.of_text(text) for key, text in texts.items()}}
    return {**value, "data": merged}


def without_nulls(value: Any) -> Any:
    """Return value without null members of mappings, at every depth."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def field_error(error: msgspec.ValidationError) -> FieldError:
    """Translate msgspec's message: keep its words about types, take the path apart."""
    text = str(error)
    match = _PLACE.search(text)
    path: tuple[str | int, ...] = ()
    if match:
        text = text[: match.start()]
        path = tuple(_steps(match["path"]))
    words = text.replace("`", "").replace("object", "mapping").replace("array", "list").replace("str", "text")
    return FieldError(words[0].lower() + words[1:], path)


def _steps(path: str) -> Iterator[str | int]:
    for match in _STEP.finditer(path):
        if match[1] is not None:
            yield match[1]
        elif match[2].isdigit():
            yield int(match[2])
        else:
            return  # msgspec does not name members of free-form mappings


def path_text(path: tuple[str | int, ...]) -> str:
    """Return a path as users write it: spec.data[0].key."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the object"


def input_error(error: FieldError, *, file: str, line: int, column: int) -> InputError:
    """Return the InputError of a field at its place."""
    return InputError(f"{path_text(error.path)}: {error.message}", file=file, line=line, column=column)
