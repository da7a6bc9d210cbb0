"""Writing ASN.1 DER: just enough for X.509 certificates and DSA keys. Called by ``certificates.py`` only.

The certificate builder of the cryptography library refuses names and dates that Go accepts, hence this writer.
Source: ITU-T X.690; Go encoding/asn1 for the choice of string and time types.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_PRINTABLE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")


def element(tag: int, content: bytes) -> bytes:
    """Return tag, length and content."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of encoded parts."""
    return element(0x30, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Return a SET of encoded parts."""
    return element(0x31, b"".join(parts))


def context(number: int, content: bytes, *, constructed: bool = True) -> bytes:
    """Return a context-specific element."""
    return element((0xA0 if constructed else 0x80) | number, content)


def integer(value: int) -> bytes:
    """Return an INTEGER of a value >= 0."""
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN."""
    return element(0x01, b"\xff" if value else b"\x00")


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return element(0x04, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    """Return a BIT STRING; unused: how many bits of the last byte do not count."""
    return element(0x03, bytes([unused]) + content)


def null() -> bytes:
    """Return NULL."""
    return element(0x05, b"")


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for number in (first * 40 + second, *rest):
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        content += bytes(reversed(septets))
    return element(0x06, content)


def text(value: str) -> bytes:
    """Return a PrintableString when the characters allow it, otherwise a UTF8String."""
    printable = _PRINTABLE.issuperset(value)
    return element(0x13 if printable else 0x0C, value.encode())


def time(value: datetime) -> bytes:
    """Return a UTCTime for the years 1950 to 2049, otherwise a GeneralizedTime; seconds are cut."""
    value = value.astimezone(UTC)
    rest = f"{value:%m%d%H%M%S}Z".encode()
    if 1950 <= value.year < 2050:
        return element(0x17, b"%02d%s" % (value.year % 100, rest))
    return element(0x18, b"%04d%s" % (value.year, rest))
