"""The one type that holds secret bytes.

It prints, formats, pickles, copies into JSON and raises as three stars. Only code that must hand the value on
(the parser of a fetched document, a Kubernetes write, output under an explicit --show-values) calls reveal().
"""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "***"


class SecretBytes:
    """Bytes that cannot leak by accident. Equality compares values in constant time; there is no hash and no order."""

    __slots__ = ("__value",)
    __hash__ = None  # type: ignore[assignment]  # a hash of a low-entropy secret is as good as the secret

    def __init__(self, value: bytes) -> None:
        self.__value = bytes(value)

    @classmethod
    def of_text(cls, text: str) -> SecretBytes:
        """Return the UTF-8 bytes of text; lone surrogates made by surrogateescape become their bytes again."""
        return cls(text.encode("utf-8", "surrogateescape"))

    def reveal(self) -> bytes:
        """Return the bytes themselves. Every call is a place where a secret leaves the type."""
        return self.__value

    def reveal_text(self) -> str:
        """Return the value as text; bytes that are not UTF-8 survive as surrogate escapes."""
        return self.__value.decode("utf-8", "surrogateescape")

    def is_empty(self) -> bool:
        """Return whether the value has no bytes."""
        return not self.__value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretBytes):
            return NotImplemented
        return hmac.compare_digest(self.__value, other.__value)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bytes__(self) -> NoReturn:
        raise TypeError("secret bytes are revealed only by name")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("secret bytes cannot be pickled or copied into another process")

    def __copy__(self) -> SecretBytes:
        return self

    def __deepcopy__(self, memo: object) -> SecretBytes:
        return self
