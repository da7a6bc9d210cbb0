"""Go values as Python objects: the one place that knows which Python type stands for which Go type.

    Go                               Python
    string                           str, UTF-8 decoded with ``surrogateescape`` so that every byte survives
    int, float64, bool, complex128   int, float, bool, complex
    int64, uint8, time.Duration ...  subclasses of int (``Int64`` ...), see ``SizedInt``
    []byte                           GoBytes
    []T                              GoList with the element type's Go spelling
    map[string]T                     GoMap with the element type's Go spelling
    nil held in an interface         None
    no value at all                  MISSING (reflect's zero Value: a missing key, or nil after a pipeline)
    structs and pointers             subclasses of GoObject; members are reachable only through ``methods.py``

Functions of a template see None for both kinds of nothing; only the executor and the built-ins that take
a ``reflect.Value`` can meet MISSING. Called by every other module of this package; it imports none of them.
Source: spec/templates.md section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

ANY: Final = "interface {}"
"""Go's spelling of the empty interface, the type called ``any`` in Go sources."""


class Missing:
    """The type of MISSING."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


# --- text -------------------------------------------------------------------------------------------------


def raw(text: str) -> bytes:
    """Return the bytes of a Go string. ``len(raw(s))`` is Go's ``len(s)``; slice these bytes, never the str."""
    return text.encode("utf-8", "surrogateescape")


def text_of(data: bytes) -> str:
    """Return the Go string of these bytes; the inverse of ``raw`` for any bytes."""
    return data.decode("utf-8", "surrogateescape")


def canonical(text: str) -> str:
    """Return the one spelling of a Go string.

    Joining two pieces of a split character gives escaped bytes that together are valid UTF-8; two strings of the
    same bytes must be equal in Python too. The executor applies this to every function result.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text_of(raw(text))
    return text


def runes(text: str) -> str:
    """Return the characters that Go sees when it ranges over the string: each invalid byte becomes U+FFFD."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\udc80" <= ch <= "\udcff" else ch for ch in text)


# --- integers of a declared size --------------------------------------------------------------------------


class SizedInt(int):
    """An integer whose Go type is not ``int``. Arithmetic gives plain ints: wrap the result again."""

    __slots__ = ()
    go_type: ClassVar[str] = "int"
    go_kind: ClassVar[str] = "int"
    bits: ClassVar[int] = 64
    signed: ClassVar[bool] = True

    def go_string(self) -> str | None:
        """Return what the type's String method gives, or None when it has none."""
        return None


class Int64(SizedInt):
    """Go int64, the result of most arithmetic functions."""

    __slots__ = ()
    go_type = go_kind = "int64"


class Int32(SizedInt):
    """Go int32, also called rune."""

    __slots__ = ()
    go_type = go_kind = "int32"
    bits = 32


class Int16(SizedInt):
    """Go int16."""

    __slots__ = ()
    go_type = go_kind = "int16"
    bits = 16


class Int8(SizedInt):
    """Go int8."""

    __slots__ = ()
    go_type = go_kind = "int8"
    bits = 8


class Uint(SizedInt):
    """Go uint."""

    __slots__ = ()
    go_type = go_kind = "uint"
    signed = False


class Uint64(SizedInt):
    """Go uint64."""

    __slots__ = ()
    go_type = go_kind = "uint64"
    signed = False


class Uint32(SizedInt):
    """Go uint32."""

    __slots__ = ()
    go_type = go_kind = "uint32"
    bits = 32
    signed = False


class Uint16(SizedInt):
    """Go uint16."""

    __slots__ = ()
    go_type = go_kind = "uint16"
    bits = 16
    signed = False


class Uint8(SizedInt):
    """Go uint8, also called byte: an element of a GoBytes."""

    __slots__ = ()
    go_type = go_kind = "uint8"
    bits = 8
    signed = False


SIZED: Final[Mapping[str, type[SizedInt]]] = {
    cls.go_type: cls for cls in (Int64, Int32, Int16, Int8, Uint, Uint64, Uint32, Uint16, Uint8)
}


def wrap(value: int, bits: int = 64, *, signed: bool = True) -> int:
    """Return value reduced to so many bits the way Go arithmetic overflows (two's complement)."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def int64(value: int) -> Int64:
    """Return value as a Go int64, wrapped around on overflow."""
    return Int64(wrap(value))


# --- sequences and maps -----------------------------------------------------------------------------------


class GoBytes(bytes):
    """Go []byte (spelled []uint8 by %T)."""

    __slots__ = ()


class GoList(list[object]):
    """A Go slice. elem is the element type's Go spelling; is_nil tells a nil slice from an empty one.

    Elements have the Python type that stands for elem; in ``[]interface {}`` a nil element is None. Slices share memory
    in Go: a function that copies there must copy here, and only ``sortAlpha`` of a []string changes one in place.
    """

    __slots__ = ("elem", "is_nil")

    def __init__(self, items: Iterable[object] = (), elem: str = ANY, *, is_nil: bool = False) -> None:
        super().__init__(items)
        self.elem = elem
        self.is_nil = is_nil


class GoMap(dict[str, object]):
    """A Go map with string keys. elem is the element type's Go spelling; is_nil tells a nil map from an empty one.

    A nil map reads as empty; a function that writes must raise FunctionError("assignment to entry in nil map").
    Python's insertion order means nothing: range, printing and JSON sort the keys by bytes (``sorted_keys``).
    """

    __slots__ = ("elem", "is_nil")

    def __init__(
        self, items: Mapping[str, object] | Iterable[tuple[str, object]] = (), elem: str = ANY, *, is_nil: bool = False
    ) -> None:
        super().__init__(items)
        self.elem = elem
        self.is_nil = is_nil


def strings(items: Iterable[str]) -> GoList:
    """Return a []string."""
    return GoList(items, "string")


def sorted_keys(mapping: Mapping[str, object]) -> list[str]:
    """Return the keys in Go's order: by bytes."""
    keys = list(mapping)
    if all(key.isascii() for key in keys):
        return sorted(keys)
    return sorted(keys, key=raw)


# --- structs ----------------------------------------------------------------------------------------------


class GoObject:
    """A Go struct or pointer. Templates reach its members only through the tables of ``methods.py``."""

    __slots__ = ()
    go_type: ClassVar[str] = "struct {}"
    go_kind: ClassVar[str] = "struct"

    def go_string(self) -> str | None:
        """Return what the type's String or Error method gives, or None when it has neither."""
        return None

    def go_struct(self) -> tuple[tuple[str, object], ...]:
        """Return the struct's fields in order, for printing and comparing; empty for opaque types."""
        return ()

    def json_text(self) -> str | None:
        """Return the string that encoding/json writes for the type, or None when it writes the fields."""
        return None


class Certificate(GoObject):
    """The result of the certificate functions: PEM texts ``Cert`` and ``Key``."""

    __slots__ = ("cert", "key")
    go_type = "sprig.certificate"

    def __init__(self, cert: str, key: str) -> None:
        self.cert = cert
        self.key = key

    def go_struct(self) -> tuple[tuple[str, object], ...]:
        """Return Cert and Key."""
        return (("Cert", self.cert), ("Key", self.key))


# --- questions about a value ------------------------------------------------------------------------------

_BASIC: Final[Mapping[type, str]] = {str: "string", int: "int", float: "float64", bool: "bool", complex: "complex128"}


def type_of(value: object) -> str:
    """Return the Go type as %T spells it: ``int64``, ``map[string]interface {}``, ``*semver.Version``; nil is ``<nil>``."""
    kind = type(value)
    if (basic := _BASIC.get(kind)) is not None:
        return basic
    if isinstance(value, GoMap):
        return f"map[string]{value.elem}"
    if isinstance(value, GoList):
        return f"[]{value.elem}"
    if isinstance(value, GoBytes):
        return "[]uint8"
    if isinstance(value, (SizedInt, GoObject)):
        return value.go_type
    if value is None or value is MISSING:
        return "<nil>"
    raise TypeError(f"{kind.__name__} does not stand for a Go value")


def kind_of(value: object) -> str:
    """Return Go's reflect kind: ``string int int64 float64 bool slice map struct ptr complex128``, ``invalid`` for nil."""
    kind = type(value)
    if (basic := _BASIC.get(kind)) is not None:
        return basic
    if isinstance(value, GoMap):
        return "map"
    if isinstance(value, (GoList, GoBytes)):
        return "slice"
    if isinstance(value, (SizedInt, GoObject)):
        return value.go_kind
    return "invalid"


_SIGNED: Final = frozenset({"int", "int8", "int16", "int32", "int64"})
_UNSIGNED: Final = frozenset({"uint", "uint8", "uint16", "uint32", "uint64", "uintptr"})


def is_int(value: object) -> bool:
    """Whether value is of one of Go's integer kinds; a bool is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_signed(value: object) -> bool:
    """Whether value is of one of Go's signed integer kinds."""
    return kind_of(value) in _SIGNED


def is_unsigned(value: object) -> bool:
    """Whether value is of one of Go's unsigned integer kinds."""
    return kind_of(value) in _UNSIGNED


def is_true(value: object) -> bool:
    """Return Go's truth: false, 0, "", empty list or map and nothing are false; structs and set pointers are true.

    Source: spec/templates.md section 3.2.
    """
    return True if isinstance(value, GoObject) else bool(value)


def zero(go_type: str) -> object:
    """Return the zero value of a Go type: what a missing element of a typed map or a nil argument becomes."""
    if go_type.startswith("[]"):
        return GoList((), go_type[2:], is_nil=True)
    if go_type.startswith("map[string]"):
        return GoMap((), go_type[11:], is_nil=True)
    if (sized := SIZED.get(go_type)) is not None:
        return sized(0)
    return {"string": "", "int": 0, "float64": 0.0, "bool": False}.get(go_type)


# --- plain Python in, Go values out -----------------------------------------------------------------------


def _clean_text(text: str) -> str:
    """Return text without lone surrogates that no byte string can hold (a JSON reader can produce them)."""
    try:
        return canonical(text)
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= ch <= "\udfff" else ch for ch in text)


def from_plain(value: object) -> object:
    """Return the Go value of plain Python data; containers are copied, Go values are kept.

    bytes become Go strings, dicts ``map[string]interface {}``, lists and tuples ``[]interface {}``.
    Raises: TypeError for anything else.
    """
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, (GoObject, GoBytes, GoMap, GoList, bool, int, float, complex)) or value is None:
        return value
    if isinstance(value, (bytes, bytearray)):
        return text_of(bytes(value))
    if isinstance(value, Mapping):
        return GoMap({_clean_text(str(key)): from_plain(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return GoList([from_plain(item) for item in value])
    raise TypeError(f"{type(value).__name__} cannot be given to a template")


def to_plain(value: object) -> object:
    """Return plain dicts, lists, numbers and str for a Go value made of those; other values are returned as they are."""
    if isinstance(value, GoMap):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, GoList):
        return [to_plain(item) for item in value]
    if isinstance(value, SizedInt):
        return int(value)
    return value
