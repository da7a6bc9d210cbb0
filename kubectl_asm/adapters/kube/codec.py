"""JSON bytes of the API server to typed objects and back."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from kubectl_asm.errors import ClusterError
from kubectl_asm.manifest.decode import FieldError, decode_as, decode_secret_bytes, path_text
from kubectl_asm.manifest.encode import encode_object
from kubectl_asm.model.objects import KubeObject, Secret

Obj = TypeVar("Obj", bound=KubeObject)


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    """metadata of a list. more: the token of the next page, empty at the end."""

    more: str = msgspec.field(default="", name="continue")
    resource_version: str = ""


class Page(msgspec.Struct, Generic[Obj], frozen=True):
    """One page of a list."""

    items: list[Obj] | None = None
    metadata: ListMeta = ListMeta()


class _RawPage(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw] | None = None
    metadata: ListMeta = ListMeta()


def decode(kind: type[Obj], body: bytes) -> Obj:
    """Return one object; raises ClusterError that names the field, never the value."""
    try:
        return cast("Obj", _decoder(kind).decode(body))
    except msgspec.ValidationError:
        return _decode_slowly(kind, body)
    except msgspec.DecodeError:
        raise _not_json() from None


def decode_page(kind: type[Obj], body: bytes) -> Page[Obj]:
    """Return one page of a list; raises ClusterError that names object and field."""
    try:
        return cast("Page[Obj]", _page_decoder(kind).decode(body))
    except msgspec.ValidationError:
        pass
    except msgspec.DecodeError:
        raise _not_json() from None
    raw = msgspec.json.decode(body, type=_RawPage)
    return Page([decode(kind, bytes(item)) for item in raw.items or ()], raw.metadata)


def encode(obj: KubeObject) -> dict[str, Any]:
    """Return the body of a write. Unwraps Secret data: nothing but a request may hold the result."""
    return encode_object(obj, reveal=True)


@lru_cache(maxsize=32)
def _decoder(kind: type[Obj]) -> msgspec.json.Decoder[Obj]:
    return msgspec.json.Decoder(kind, dec_hook=decode_secret_bytes)


@lru_cache(maxsize=32)
def _page_decoder(kind: type[Obj]) -> msgspec.json.Decoder[Page[Obj]]:
    return msgspec.json.Decoder(Page[kind], dec_hook=decode_secret_bytes)  # type: ignore[valid-type]  # a type at run time


def _decode_slowly(kind: type[Obj], body: bytes) -> Obj:
    """Decode what the typed decoder refuses: nulls count as absent, other wrong types are named."""
    value = msgspec.json.decode(body)
    try:
        return decode_as(kind, value)
    except FieldError as error:
        metadata = value.get("metadata") if isinstance(value, dict) else None
        place = metadata if isinstance(metadata, dict) else {}
        name = f"{kind.RESOURCE.kind} {place.get('namespace', '')}/{place.get('name', '')}"
        problem = "data is not base64" if kind is Secret else f"{path_text(error.path)}: {error.message}"
        raise ClusterError(f"{name} cannot be read: {problem}") from None


def _not_json() -> ClusterError:
    return ClusterError("the answer is not JSON", hint="is this the address of a Kubernetes API server?")
