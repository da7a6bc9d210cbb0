"""Values that many objects share: what was read within an interval is not read again. A decorator of SecretSource.

Failures are remembered like answers, so that a failing secret is never asked for more often than a healthy one; those that
cost no call are not, so that they end with what caused them. What is held is bounded by bytes; the least recently used goes
first, and what is too old for everybody is not kept.
Source: spec/operation.md 8 (caching is a decorator of the wiring).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kubectl_asm.adapters.decorate import ReadKey, read_key
from kubectl_asm.adapters.joining import own_outcome
from kubectl_asm.model.backend import BackendError, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.ports import Clock, SecretSource

DEFAULT_LONGEST_BYTES: Final = 32 * 1024 * 1024
_OVERHEAD_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class _Held:
    outcome: SecretOutcome
    read_s: float
    size: int


class AgeingSource:
    """Remembers outcomes with the second they were asked for. Safe for use by several threads."""

    def __init__(self, inner: SecretSource, clock: Clock, *, longest_bytes: int = DEFAULT_LONGEST_BYTES) -> None:
        self._inner = inner
        self._clock = clock
        self._longest_bytes = longest_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[ReadKey, _Held] = OrderedDict()
        self._bytes = 0
        self._longest_age_s = 0.0

    def within(self, age_s: float) -> SecretSource:
        """Return a source that answers with outcomes up to this old, in seconds, and reads the others."""
        return _Within(self, age_s)

    def fetch_within(self, reads: Sequence[SecretRead], age_s: float) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order. Raises StaleClientError and ShutdownError, which are not remembered."""
        now_s = self._clock.monotonic()
        known = self._known(reads, now_s, age_s)
        missing = {key: read for read in reads if (key := read_key(read)) not in known}
        if missing:
            for key, outcome in zip(missing, self._inner.fetch_many(tuple(missing.values())), strict=True):
                known[key] = outcome
                if not _is_repeated(outcome):
                    self._hold(key, outcome, now_s)
        return [own_outcome(known[read_key(read)]) for read in reads]

    def held_bytes(self) -> int:
        """Return about how much memory the remembered outcomes take."""
        with self._lock:
            return self._bytes

    def _known(self, reads: Sequence[SecretRead], now_s: float, age_s: float) -> dict[ReadKey, SecretOutcome]:
        known: dict[ReadKey, SecretOutcome] = {}
        with self._lock:
            self._longest_age_s = max(self._longest_age_s, age_s)
            self._expire(now_s - self._longest_age_s)
            for key in map(read_key, reads):
                held = self._held.get(key)
                if held is not None and held.read_s > now_s - age_s:
                    self._held.move_to_end(key)
                    known[key] = held.outcome
        return known

    def _hold(self, key: ReadKey, outcome: SecretOutcome, read_s: float) -> None:
        fresh = _Held(outcome, read_s, _size(outcome))
        with self._lock:
            before = self._held.get(key)
            if before is not None and before.read_s > read_s:
                return  # another round asked later and was answered first
            self._drop(key)
            if fresh.size > self._longest_bytes:
                return
            self._held[key] = fresh
            self._bytes += fresh.size
            while self._bytes > self._longest_bytes:
                self._drop(next(iter(self._held)))

    def _expire(self, oldest_s: float) -> None:
        """Drop what nobody may be answered with any more, as far as it is the least recently used."""
        while self._held and next(iter(self._held.values())).read_s <= oldest_s:
            self._drop(next(iter(self._held)))

    def _drop(self, key: ReadKey) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= held.size


@dataclass(frozen=True, slots=True)
class _Within:
    """An AgeingSource with its age chosen."""

    source: AgeingSource
    age_s: float

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order."""
        return self.source.fetch_within(reads, self.age_s)


def _size(outcome: SecretOutcome) -> int:
    data = outcome.data if isinstance(outcome, SecretAnswer) else None
    return _OVERHEAD_BYTES + (len(data.reveal()) if data is not None else 0)


def _is_repeated(outcome: SecretOutcome) -> bool:
    return isinstance(outcome, BackendError) and outcome.repeated
