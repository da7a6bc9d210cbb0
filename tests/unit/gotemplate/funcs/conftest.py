"""An environment with a fixed instant, counted randomness and small budgets, and a way to call a function by its name."""

import importlib
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

import pytest

from kubectl_asm.gotemplate.budget import Budget, Limits
from kubectl_asm.gotemplate.funcs.signature import Environment, Function
from kubectl_asm.gotemplate.values import canonical

GROUPS = (
    "arithmetic", "casing", "crypto", "custom", "dates", "defaults", "dicts", "encoding", "flow", "lists",
    "paths", "random_text", "reflection", "regex", "semver", "strings", "urls",
)  # fmt: skip
NOW = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)


class CountingRandom:
    """Randomness that can be foretold: 0, 1, 2 ... within every limit."""

    def __init__(self) -> None:
        self.drawn = 0

    def bytes(self, count: int, /) -> bytes:
        return bytes(self.below(256) for _ in range(count))

    def below(self, limit: int, /) -> int:
        self.drawn += 1
        return (self.drawn - 1) % limit


def known_zone(name: str) -> tzinfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None


def all_functions() -> dict[str, Function]:
    modules = [importlib.import_module(f"kubectl_asm.gotemplate.funcs.{group}") for group in GROUPS]
    return {function.name: function for module in modules for function in module.FUNCTIONS}


def make_environment(limits: Limits | None = None) -> Environment:
    return Environment(NOW, CountingRandom(), known_zone, None, Budget(limits))


Call = Callable[..., object]


@pytest.fixture
def env() -> Environment:
    return make_environment()


@pytest.fixture
def call(env: Environment) -> Call:
    """Call a template function by name with Go values."""
    functions = all_functions()

    def call_by_name(name: str, *arguments: object) -> object:
        function = functions[name]
        result = function.call(env, *arguments) if function.needs_env else function.call(*arguments)
        return canonical(result) if isinstance(result, str) else result

    return call_by_name
