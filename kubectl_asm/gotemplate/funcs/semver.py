"""Semantic version functions and their constraint language. Called through the table in ``funcs/__init__.py``.

A constraint is alternatives joined by ``||``; each is a list of conditions such as ``>=1.2``, ``~1.2.x`` or ``1.2 - 2``.
Source: spec/templates.md 6.3; Masterminds/semver v3.3.0, the library of upstream's functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import re2

from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError
from kubectl_asm.gotemplate.funcs.versions import IDENTIFIERS, Version, VersionError, compare_prereleases, parse_version
from kubectl_asm.gotemplate.values import raw, text_of

GROUP = "semver"
VERSION: Final = "*semver.Version"

_NUMBER: Final = r"[0-9|xX*]+"
_VERSION: Final = rf"v?({_NUMBER})(\.{_NUMBER})?(\.{_NUMBER})?(-{IDENTIFIERS})?(\+{IDENTIFIERS})?"
_OPERATOR: Final = r"(?:=||!=|>|<|>=|=>|<=|=<|~|~>|\^)"
_ONE: Final = rf"\s*{_OPERATOR}\s*(?:{_VERSION})\s*"

# RE2 keeps these linear: blanks can be divided in many ways between the parts of a long constraint.
_CONDITION: Final = re2.compile(rf"({_OPERATOR})\s*({_VERSION})\s*".encode())
_FIND: Final = re2.compile(rf"{_OPERATOR}\s*(?:{_VERSION})".encode())
_RANGE: Final = re2.compile(rf"\s*({_VERSION})\s+-\s+({_VERSION})\s*".encode())
_ALL: Final = re2.compile(rf"{_ONE}(?:(?:\s+|,\s*){_ONE})*".encode())


class _Condition(msgspec.Struct, frozen=True):
    """One condition. any_minor: only the major number is given; any_patch: major and minor are; open: some part is not."""

    operator: str
    version: Version
    open: bool = False
    any_minor: bool = False
    any_patch: bool = False

    def holds(self, version: Version) -> bool:
        """Whether a version fulfils it."""
        return _CHECKS[self.operator](version, self)

    def skips(self, version: Version) -> bool:
        """Whether the version is a pre-release that a condition without one never accepts."""
        return bool(version.prerelease) and not self.version.prerelease


def _equal_or_range(version: Version, condition: _Condition) -> bool:
    if condition.skips(version):
        return False
    return _tilde(version, condition) if condition.open else version.compare(condition.version) == 0


def _differs(version: Version, condition: _Condition) -> bool:
    wanted = condition.version
    if not condition.open:
        return version.compare(wanted) != 0
    if condition.skips(version):
        return False
    if wanted.major != version.major:
        return True
    if condition.any_minor:
        return False
    if wanted.minor != version.minor:
        return True
    if not condition.any_patch:
        return wanted.patch != version.patch or version.compare(wanted) != 0
    if version.prerelease or wanted.prerelease:
        return compare_prereleases(version.prerelease, wanted.prerelease) != 0
    return False


def _greater(version: Version, condition: _Condition) -> bool:
    wanted = condition.version
    if condition.skips(version):
        return False
    if condition.open and version.major != wanted.major:
        return version.major > wanted.major
    if condition.open and condition.any_minor:
        return False
    if condition.open and condition.any_patch:
        return version.minor > wanted.minor
    return version.compare(wanted) > 0


def _less(version: Version, condition: _Condition) -> bool:
    return not condition.skips(version) and version.compare(condition.version) < 0


def _at_least(version: Version, condition: _Condition) -> bool:
    return not condition.skips(version) and version.compare(condition.version) >= 0


def _at_most(version: Version, condition: _Condition) -> bool:
    wanted = condition.version
    if condition.skips(version):
        return False
    if not condition.open:
        return version.compare(wanted) <= 0
    if version.major != wanted.major:
        return version.major < wanted.major
    return version.minor <= wanted.minor or condition.any_minor


def _tilde(version: Version, condition: _Condition) -> bool:
    wanted = condition.version
    if condition.skips(version) or version.compare(wanted) < 0:
        return False
    if (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0) and not condition.any_minor and not condition.any_patch:
        return True
    return version.major == wanted.major and (version.minor == wanted.minor or condition.any_minor)


def _caret(version: Version, condition: _Condition) -> bool:
    wanted = condition.version
    if condition.skips(version) or version.compare(wanted) < 0:
        return False
    if wanted.major > 0 or condition.any_minor:
        return version.major == wanted.major
    if version.major > 0:
        return False
    if wanted.minor > 0 or condition.any_patch:
        return version.minor == wanted.minor
    return version.minor == 0 and version.patch == wanted.patch


_CHECKS: Final[dict[str, Callable[[Version, _Condition], bool]]] = {
    "": _equal_or_range,
    "=": _equal_or_range,
    "!=": _differs,
    ">": _greater,
    "<": _less,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


def _is_open(part: str) -> bool:
    return part.removeprefix(".") in ("x", "X", "*", "")


def _parse_condition(text: str) -> _Condition:
    """Return the condition of a text that the constraint patterns accept. Raises: FunctionError."""
    match = _CONDITION.fullmatch(raw(text))
    if match is None:
        raise FunctionError(f"improper constraint: {text}")
    operator, written, major, minor, patch, prerelease, _ = (text_of(group or b"") for group in match.groups())
    any_minor = not _is_open(major) and _is_open(minor)
    any_patch = not _is_open(major) and not any_minor and _is_open(patch)
    if _is_open(major):
        written = f"0.0.0{prerelease}"
    elif any_minor:
        written = f"{major}.0.0{prerelease}"
    elif any_patch:
        written = f"{major}{minor}.0{prerelease}"
    try:
        version = parse_version(written)
    except VersionError:
        raise FunctionError("constraint Parser Error") from None
    return _Condition(operator, version, _is_open(major) or any_minor or any_patch, any_minor, any_patch)


def _parse_constraint(env: Environment, text: str) -> list[list[_Condition]]:
    """Return the alternatives, each a list of conditions that must all hold. Raises: FunctionError."""
    env.budget.step(len(text) // 4 + 1)
    alternatives = []
    for part in _rewrite_ranges(env, text).split("||"):
        if not _ALL.fullmatch(raw(part)):
            raise FunctionError(f"improper constraint: {part}")
        alternatives.append([_parse_condition(text_of(match[0])) for match in _FIND.finditer(raw(part))])
    return alternatives


def _rewrite_ranges(env: Environment, text: str) -> str:
    """Return the text with every ``low - high`` written as two conditions."""
    for match in _RANGE.finditer(raw(text)):
        env.budget.step(len(text) // 1024 + 1)
        text = text.replace(text_of(match[0]), f">= {text_of(match[1])}, <= {text_of(match[7])} ", 1)
    return text


def semver(text: str) -> Version:
    """Return the version of a text. Raises: FunctionError."""
    try:
        return parse_version(text)
    except VersionError as error:
        raise FunctionError(str(error)) from error


def semver_compare(env: Environment, constraint: str, version: str) -> bool:
    """Whether a version fulfils a constraint. Raises: FunctionError when either cannot be read."""
    alternatives = _parse_constraint(env, constraint)
    wanted = semver(version)
    return any(all(condition.holds(wanted) for condition in conditions) for conditions in alternatives)


FUNCTIONS: tuple[Function, ...] = (
    Function("semver", GROUP, semver, ("string",), VERSION, summary="Version with its parts as methods."),
    Function(
        "semverCompare",
        GROUP,
        semver_compare,
        ("string", "string"),
        "bool",
        needs_env=True,
        summary="Whether a version fulfils a constraint.",
    ),
)
