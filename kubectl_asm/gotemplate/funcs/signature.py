"""How a template function is declared, and what it may use: data for the executor, the docs and the linter.

A group file of ``funcs/`` is a set of plain Python functions and one tuple ``FUNCTIONS`` of ``Function`` records. The
executor checks argument count and types against ``params`` (Go's texts come from one place) before it calls ``call``,
so a function only ever receives values of the declared types:

    declared                      the function receives
    ``string``                    str (bytes through ``values.raw``)
    ``int int64 uint32 ...``      int or the SizedInt subclass of that name
    ``float64 bool``              float, bool
    ``interface {}``              any Go value; None for nil and for a missing value
    ``map[string]interface {}``   GoMap; a missing value gives a nil map (``is_nil``)
    ``[]interface {} []string``   GoList; a missing value gives a nil slice (``is_nil``)
    ``time.Time *semver.Version`` the GoObject of that type
    ``reflect.Value``             any Go value, None, or MISSING (built-ins only)

A variadic function's last parameter type repeats, zero times at least; its values come as further positional arguments.
An error result or a Go panic is ``raise FunctionError(text)``. With ``needs_env`` the Environment comes first.
Strings returned are made canonical by the executor.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Protocol

import msgspec

from kubectl_asm.gotemplate.budget import Budget
from kubectl_asm.gotemplate.values import ANY

MAP = f"map[string]{ANY}"
LIST = f"[]{ANY}"
VALUE = "reflect.Value"


class FunctionError(Exception):
    """A function failed. text is Go's error text, which the executor puts after ``error calling NAME: ``."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Purity(enum.StrEnum):
    """What a function's result depends on besides its arguments."""

    PURE = "pure"
    RANDOM = "random"
    TIME = "time"
    ORDER = "order"  # Go map order; here sorted, so stable


class RandomSource(Protocol):
    """Randomness given to an execution; production uses the system's generator."""

    def bytes(self, count: int, /) -> bytes:
        """Return so many random bytes."""
        ...

    def below(self, limit: int, /) -> int:
        """Return a uniform integer in 0 <= n < limit; limit >= 1."""
        ...


def no_zone(_name: str) -> tzinfo | None:
    """Know no zone besides UTC."""
    return None


class Environment(msgspec.Struct, frozen=True):
    """Everything an execution may know besides its data. One per execution: the budget is used up.

    now: aware datetime; zone: IANA name -> tzinfo, None when unknown; local: the zone called Local (the controller's, UTC).
    """

    now: datetime
    random: RandomSource
    zone: Callable[[str], tzinfo | None] = no_zone
    local: tzinfo | None = None
    budget: Budget = msgspec.field(default_factory=Budget)


class Function(msgspec.Struct, frozen=True):
    """One template function. params, result: Go type spellings; see the module docstring.

    status: ``same`` as upstream, or ``differs`` with the reason in summary. source: spec page and section.
    """

    name: str
    group: str
    call: Callable[..., object]
    params: tuple[str, ...] = ()
    result: str = "string"
    variadic: bool = False
    needs_env: bool = False
    purity: Purity = Purity.PURE
    status: str = "same"
    summary: str = ""
    source: str = "spec/templates.md 6.3"

    @property
    def usage(self) -> str:
        """The signature for people: ``trunc int string -> string``."""
        shown = [*self.params]
        if self.variadic:
            shown[-1] += "..."
        return " ".join([self.name, *shown, "->", self.result]).replace(ANY, "any")
