"""Rendering for tests: a template and data in, text or the error out."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from kubectl_asm.gotemplate import Budget, Environment, Limits, TemplateError, parse
from tests.harness.parity import NOW, SeededRandom, zone


def render(text: str, limits: Limits | None = None, monotonic: Callable[[], float] | None = None, **data: object) -> str:
    environment = Environment(now=NOW, random=SeededRandom(), zone=zone, budget=Budget(limits, monotonic))
    return parse(text).execute(data, environment).decode("utf-8", "surrogateescape")


def failure(
    text: str, limits: Limits | None = None, monotonic: Callable[[], float] | None = None, **data: object
) -> TemplateError:
    try:
        out = render(text, limits, monotonic, **data)
    except TemplateError as error:
        return error
    raise AssertionError(f"no error, but output {out[:200]!r}")


def ticking(step_s: float) -> Callable[[], float]:
    """Return a clock that moves by so much at every look."""
    ticks = itertools.count()
    return lambda: next(ticks) * step_s
