"""Base64, base32, JSON and hash sums. Called through the table in ``funcs/__init__.py``; ``decode_base64`` by crypto and custom.

The decoders report errors at the byte where Go's decoder stops, because ``b64dec`` returns that text as its value.
Source: spec/templates.md section 6.4; Go encoding/base64, encoding/base32, encoding/json.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate import gojson
from kubectl_asm.gotemplate.funcs.signature import Function, FunctionError
from kubectl_asm.gotemplate.values import ANY, raw, text_of

GROUP = "encoding"


class EncodedTextError(ValueError):
    """Text that does not decode; the message is Go's."""


# --- base64 -----------------------------------------------------------------------------------------------

_CLEAN_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_NEWLINES: Final = b"\r\n"
_BASE64_DIGITS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def decode_base64(text: str) -> bytes:
    """Return the bytes of standard, padded base64; newlines are skipped, unused bits of the last digit ignored.

    Raises: EncodedTextError with Go's text.
    """
    data = raw(text)
    if not _CLEAN_BASE64.fullmatch(data):
        problem = _base64_problem(data)
        if problem is not None:
            raise EncodedTextError(f"illegal base64 data at input byte {problem}")
        data = data.translate(None, _NEWLINES)
    return base64.b64decode(data)


def _skip_newlines(data: bytes, at: int) -> int:
    while data[at : at + 1] in (b"\r", b"\n"):
        at += 1
    return at


def _base64_problem(data: bytes) -> int | None:
    """Return the position at which Go's decoder gives up, None when the data is sound."""
    at = digits = 0
    while (at := _skip_newlines(data, at)) < len(data):
        if data[at] in _BASE64_DIGITS:
            at, digits = at + 1, (digits + 1) % 4
        else:
            return _padding_problem(data, at, digits)
    return at - digits if digits else None


def _padding_problem(data: bytes, at: int, digits: int) -> int | None:
    """Return where Go gives up at the first byte that is no digit; digits: how many the last group has so far."""
    if data[at] != ord("=") or digits < 2:
        return at
    at += 1
    if digits == 2:
        at = _skip_newlines(data, at)
        if data[at : at + 1] != b"=":
            return at if at == len(data) else at - 1
        at += 1
    at = _skip_newlines(data, at)
    return None if at == len(data) else at


def b64enc(text: str) -> str:
    """Return the text in base64."""
    return base64.b64encode(raw(text)).decode()


def b64dec(text: str) -> str:
    """Return the decoded text, or for bad input the error's text."""
    try:
        return text_of(decode_base64(text))
    except EncodedTextError as error:
        return str(error)


# --- base32 -----------------------------------------------------------------------------------------------

_BASE32_DIGITS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_CLEAN_BASE32: Final = re.compile(rb"(?:[A-Z2-7]{8})*(?:[A-Z2-7]{7}=|[A-Z2-7]{5}={3}|[A-Z2-7]{4}={4}|[A-Z2-7]{2}={6})?")
_PADDABLE: Final = frozenset({2, 4, 5, 7})


def _base32_problem(data: bytes) -> int | None:
    """Return the position at which Go's decoder gives up, None when the data is sound. data holds no newlines."""
    for at, byte in enumerate(data):
        digits, after = at % 8, len(data) - at - 1
        if byte == ord("=") and digits >= 2 and after < 8:
            return _base32_padding_problem(data, at, digits)
        if byte not in _BASE32_DIGITS:
            return at
    return len(data) - len(data) % 8 if len(data) % 8 else None


def _base32_padding_problem(data: bytes, at: int, digits: int) -> int | None:
    after = data[at + 1 :]
    if len(after) + digits < 7:
        return len(data)
    for offset, byte in enumerate(after[: 7 - digits]):
        if byte != ord("="):
            return at + offset
    return None if digits in _PADDABLE else at


def b32enc(text: str) -> str:
    """Return the text in base32."""
    return base64.b32encode(raw(text)).decode()


def b32dec(text: str) -> str:
    """Return the decoded text, or for bad input the error's text. Bytes after complete padding are ignored."""
    data = raw(text).translate(None, _NEWLINES)
    problem = None if _CLEAN_BASE32.fullmatch(data) else _base32_problem(data)
    if problem is not None:
        return f"illegal base32 data at input byte {problem}"
    digits = data.partition(b"=")[0]
    return text_of(base64.b32decode(digits + b"=" * (-len(digits) % 8)))


# --- JSON -------------------------------------------------------------------------------------------------


def must_from_json(text: str) -> object:
    """Return the value of a JSON text; numbers are float64. Raises: FunctionError."""
    try:
        return gojson.loads(text)
    except gojson.JSONError as error:
        raise FunctionError(str(error)) from error


def from_json(text: str) -> object:
    """Return the value of a JSON text, nil for bad input."""
    try:
        return gojson.loads(text)
    except gojson.JSONError:
        return None


def _writer(*, escape_html: bool = True, indent: str | None = None) -> Callable[[object], str]:
    def write(value: object) -> str:
        try:
            return gojson.dumps(value, escape_html=escape_html, indent=indent)
        except gojson.JSONError as error:
            raise FunctionError(str(error)) from error

    return write


def _or_empty(write: Callable[[object], str]) -> Callable[[object], str]:
    def write_or_empty(value: object) -> str:
        try:
            return write(value)
        except FunctionError:
            return ""

    return write_or_empty


must_to_json = _writer()
must_to_pretty_json = _writer(indent="  ")
to_raw_json = _writer(escape_html=False)
to_json = _or_empty(must_to_json)
to_pretty_json = _or_empty(must_to_pretty_json)


# --- sums -------------------------------------------------------------------------------------------------


def sha1sum(text: str) -> str:
    """Return the SHA-1 sum in hexadecimal."""
    return hashlib.sha1(raw(text), usedforsecurity=False).hexdigest()


def sha256sum(text: str) -> str:
    """Return the SHA-256 sum in hexadecimal."""
    return hashlib.sha256(raw(text)).hexdigest()


def sha512sum(text: str) -> str:
    """Return the SHA-512 sum in hexadecimal."""
    return hashlib.sha512(raw(text)).hexdigest()


def adler32sum(text: str) -> str:
    """Return the Adler-32 checksum in decimal."""
    return str(zlib.adler32(raw(text)))


def _text(name: str, call: Callable[[str], object], summary: str, result: str = "string") -> Function:
    return Function(name, GROUP, call, ("string",), result, summary=summary)


def _json(name: str, call: Callable[[object], str], summary: str) -> Function:
    return Function(name, GROUP, call, (ANY,), summary=summary)


FUNCTIONS: tuple[Function, ...] = (
    _text("adler32sum", adler32sum, "Adler-32 checksum in decimal."),
    _text("b32dec", b32dec, "Base32 decoded; for bad input the error text."),
    _text("b32enc", b32enc, "Base32 encoded."),
    _text("b64dec", b64dec, "Base64 decoded; for bad input the error text."),
    _text("b64enc", b64enc, "Base64 encoded."),
    _text("fromJson", from_json, "Value of a JSON text, nil for bad input.", ANY),
    _text("mustFromJson", must_from_json, "Value of a JSON text, with an error.", ANY),
    _json("mustToJson", must_to_json, "Like toJson, with an error."),
    _json("mustToPrettyJson", must_to_pretty_json, "Like toPrettyJson, with an error."),
    _json("mustToRawJson", to_raw_json, "Like toRawJson."),
    _text("sha1sum", sha1sum, "SHA-1 sum in hexadecimal."),
    _text("sha256sum", sha256sum, "SHA-256 sum in hexadecimal."),
    _text("sha512sum", sha512sum, "SHA-512 sum in hexadecimal."),
    _json("toJson", to_json, "Compact JSON, keys sorted, HTML characters escaped."),
    _json("toPrettyJson", to_pretty_json, "JSON indented by two blanks."),
    _json("toRawJson", to_raw_json, "Compact JSON without HTML escapes."),
)
