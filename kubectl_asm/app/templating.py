"""The Environment of template executions in this product: the round's instant, the Random port, zones, budgets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubectl_asm.gotemplate import Budget, Environment
from kubectl_asm.ports import Clock, Random


class _Randomness:
    """The Random port in the words of the template engine."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def bytes(self, count: int, /) -> bytes:
        return self._random.token(count)

    def below(self, limit: int, /) -> int:
        return self._random.below(limit)


def zone(name: str) -> ZoneInfo | None:
    """Return the time zone of an IANA name, None when it is unknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def template_environments(random: Random, clock: Clock) -> Callable[[datetime], Environment]:
    """Return what makes a fresh Environment at an instant; every template execution has its own budget."""
    randomness = _Randomness(random)
    return lambda now: Environment(now=now, random=randomness, zone=zone, budget=Budget(monotonic=clock.monotonic))
