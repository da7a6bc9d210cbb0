"""Semantic versions as Go values: reading, writing, ordering. Called by ``semver.py`` and the methods of versions.

Source: Masterminds/semver v3.3.0, the library of upstream's functions; semver.org for the order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from kubectl_asm.gotemplate.funcs.durations import quote
from kubectl_asm.gotemplate.values import GoObject, Uint64, wrap

_MAX: Final = (1 << 64) - 1
IDENTIFIERS: Final = r"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*"
_VERSION: Final = re.compile(rf"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(?:-({IDENTIFIERS}))?(?:\+({IDENTIFIERS}))?")
_LEADING_ZERO: Final = re.compile(r"(?:^|\.)0[0-9]+(?:\.|$)")
_IDENTIFIERS: Final = re.compile(r"[0-9A-Za-z\-]*(?:\.[0-9A-Za-z\-]*)*")


class VersionError(ValueError):
    """A text that is no version; the message is the library's."""


def _number(digits: str) -> int:
    if len(digits.lstrip("0")) > 20 or int(digits) > _MAX:
        raise VersionError(f"Error parsing version segment: strconv.ParseUint: parsing {quote(digits)}: value out of range")
    return int(digits)


def check_prerelease(text: str) -> None:
    """Raise VersionError unless the text may follow the hyphen."""
    if _LEADING_ZERO.search(text):
        raise VersionError("Version segment starts with 0")
    if not _IDENTIFIERS.fullmatch(text):
        raise VersionError("Invalid Prerelease string")


def check_metadata(text: str) -> None:
    """Raise VersionError unless the text may follow the plus sign."""
    if not _IDENTIFIERS.fullmatch(text):
        raise VersionError("Invalid Metadata string")


def _identifier_key(text: str) -> tuple[int, int, str]:
    """Return what orders one identifier: absent before numbers, numbers before texts."""
    if text == "":
        return (0, 0, "")
    if text.isdecimal() and len(text.lstrip("0")) <= 20 and int(text) <= _MAX:
        return (1, int(text), "")
    return (2, 0, text)


def compare_prereleases(left: str, right: str) -> int:
    """Return -1, 0 or 1 for two pre-release texts, identifier by identifier; an absent identifier comes first."""
    lefts, rights = left.split("."), right.split(".")
    length = max(len(lefts), len(rights))
    for a, b in zip(lefts + [""] * (length - len(lefts)), rights + [""] * (length - len(rights)), strict=True):
        if a != b:
            return 1 if _identifier_key(a) > _identifier_key(b) else -1
    return 0


@dataclass(frozen=True, slots=True)
class Version(GoObject):
    """A version. original: the text it was read from. The zero value prints as 0.0.0."""

    go_type: ClassVar[str] = "*semver.Version"
    go_kind: ClassVar[str] = "ptr"

    major: int = 0
    minor: int = 0
    patch: int = 0
    prerelease: str = ""
    metadata: str = ""
    original: str = ""

    def go_string(self) -> str:
        """Return the version without a leading v."""
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += f"-{self.prerelease}" if self.prerelease else ""
        return text + (f"+{self.metadata}" if self.metadata else "")

    def go_struct(self) -> tuple[tuple[str, object], ...]:
        """Return the fields, for deep comparison."""
        numbers = (("major", self.major), ("minor", self.minor), ("patch", self.patch))
        texts = (("pre", self.prerelease), ("metadata", self.metadata), ("original", self.original))
        return (*((name, Uint64(number)) for name, number in numbers), *texts)

    def json_text(self) -> str:
        """Return the text that JSON holds."""
        return self.go_string()

    def compare(self, other: Version) -> int:
        """Return -1, 0 or 1; metadata does not count, a pre-release comes before its release."""
        left, right = (self.major, self.minor, self.patch), (other.major, other.minor, other.patch)
        if left != right:
            return 1 if left > right else -1
        if not self.prerelease or not other.prerelease:
            return bool(other.prerelease) - bool(self.prerelease)
        return compare_prereleases(self.prerelease, other.prerelease)


@dataclass(frozen=True, slots=True)
class VersionValue(Version):
    """A version that is no pointer in Go: what the ``Inc...`` and ``Set...`` methods return."""

    go_type: ClassVar[str] = "semver.Version"
    go_kind: ClassVar[str] = "struct"


def changed(version: Version, **fields: int | str) -> VersionValue:
    """Return the version with other fields; its original text is written anew and keeps a leading v."""
    values = {name: getattr(version, name) for name in ("major", "minor", "patch", "prerelease", "metadata", "original")}
    values.update({name: wrap(value, signed=False) if isinstance(value, int) else value for name, value in fields.items()})
    result = VersionValue(**values)
    return replace(result, original=("v" if version.original.startswith("v") else "") + result.go_string())


def parse_version(text: str) -> Version:
    """Return the version of a text with one to three numbers. Raises: VersionError."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise VersionError("Invalid Semantic Version")
    major, minor, patch = (_number((match[group] or "0").removeprefix(".")) for group in (1, 2, 3))
    prerelease, metadata = match[4] or "", match[5] or ""
    check_prerelease(prerelease)
    check_metadata(metadata)
    return Version(major, minor, patch, prerelease, metadata, text)
