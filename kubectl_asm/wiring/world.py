"""Time, randomness and the open Session every command works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kubectl_asm.adapters.decorate import (
    CallCounts,
)
from kubectl_asm.adapters.selectors import parse_selector
from kubectl_asm.adapters.system import SystemClock, SystemRandom
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.rounds import Rounds
from kubectl_asm.app.select import Selection, parse_names
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.ports import ObjectReader


@dataclass(frozen=True, slots=True)
class World:
    """Time and randomness of this process."""

    clock: SystemClock = field(default_factory=SystemClock)
    random: SystemRandom = field(default_factory=SystemRandom)


@dataclass(slots=True)
class Session:
    """Everything a command works with, already connected.

    externals: candidates before selection; notes: for stderr; failures: of cluster resources, sentences for people.
    """

    rounds: Rounds
    executor: Executor
    reader: ObjectReader
    externals: tuple[ExternalSecret, ...]
    namespace: str
    world: World
    counts: CallCounts = field(default_factory=CallCounts)
    kube_requests: Callable[[], int] = lambda: 0
    notes: list[str] = field(default_factory=list)
    refresh: Callable[[], None] = lambda: None
    failures: list[str] = field(default_factory=list)

    def select(self, names: Sequence[str], *, namespace: str, all_namespaces: bool, selector: str) -> list[ExternalSecret]:
        """Return the ExternalSecrets the user selected."""
        where = "" if all_namespaces else namespace or self.namespace
        matcher = parse_selector(selector) if selector else None
        selection = Selection(parse_names(names), where)
        if matcher is not None:
            selection = Selection(selection.names, where, matcher)
        return selection.pick(self.externals)
