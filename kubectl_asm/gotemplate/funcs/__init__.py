"""The table of template functions: every group in one explicit tuple, collected on first use.

``function_table`` is what parser, compiler, scan and the documentation read.
Source: spec/templates.md sections 6.1 to 6.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from kubectl_asm.gotemplate.funcs.signature import Function

PROFILES: Final = ("seed", "v0.6.7")

SEED_ONLY: Final = frozenset({"regexReplace", "b64decSafe"})
"""Functions that upstream documents but does not have: undefined under every profile but ``seed``."""


def _groups() -> tuple[tuple[Function, ...], ...]:
    """Return all groups; a later one wins over an earlier one of the same name, as Sprig's ``slice`` over the built-in."""
    from kubectl_asm.gotemplate.funcs import (  # noqa: PLC0415 - groups load when a table is first asked for
        arithmetic,
        builtins,
        casing,
        crypto,
        custom,
        dates,
        defaults,
        dicts,
        encoding,
        flow,
        lists,
        paths,
        random_text,
        reflection,
        regex,
        semver,
        strings,
        urls,
    )

    modules = (
        builtins,
        strings,
        casing,
        random_text,
        lists,
        dicts,
        arithmetic,
        defaults,
        encoding,
        regex,
        dates,
        crypto,
        paths,
        urls,
        reflection,
        semver,
        flow,
        custom,
    )
    return tuple(module.FUNCTIONS for module in modules)


@cache
def function_table(profile: str = "seed") -> Mapping[str, Function]:
    """Return the functions of a profile by name, the language's own included.

    Raises: ValueError for an unknown profile.
    """
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; known: {', '.join(PROFILES)}")
    table = {function.name: function for group in _groups() for function in group}
    if profile != "seed":
        table = {name: function for name, function in table.items() if name not in SEED_ONLY}
    return MappingProxyType(table)
