"""Equal reads are asked once: those under way at the same time, and those a pass has read before.

A decorator of SecretSource, so that whole batches join: of two rounds that want the same secret, one reads and the other
waits. Rounds read what is theirs before they wait for others, so they cannot wait in a circle.
Source: spec/operation.md 8 (joining is a decorator of the wiring; the engine asks once per entry).
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence

from kubectl_asm.adapters.decorate import ReadKey, read_key
from kubectl_asm.model.backend import BackendError, SecretOutcome, SecretRead
from kubectl_asm.ports import SecretSource


class _Flight:
    """A read under way. outcome or error is set before done."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.outcome: SecretOutcome | None = None
        self.error: BaseException | None = None

    def result(self) -> SecretOutcome:
        """Wait for the thread that reads and return what it got; raises what it raised."""
        self.done.wait()
        if self.error is not None:
            raise another(self.error)
        assert self.outcome is not None
        return own_outcome(self.outcome)


class JoiningSource:
    """Wraps a SecretSource for the life of one pass. Safe for use by several threads.

    remembers: whether what was read answers later reads too; without it only reads under way are joined.
    """

    def __init__(self, inner: SecretSource, *, remembers: bool = True) -> None:
        self._inner = inner
        self._remembers = remembers
        self._lock = threading.Lock()
        self._flights: dict[ReadKey, _Flight] = {}
        self._known: dict[ReadKey, SecretOutcome] = {}

    def forget(self) -> None:
        """Drop what was read, so that a repeated pass reads afresh."""
        with self._lock:
            self._known.clear()

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order; each distinct read reaches the inner source once a pass."""
        wanted = {read_key(read): read for read in reads}
        outcomes, own, others = self._claim(wanted)
        self._fly([wanted[key] for key in own], own)
        outcomes.update({key: flight.result() for key, flight in (own | others).items()})
        return [outcomes[read_key(read)] for read in reads]

    def _claim(
        self, wanted: Mapping[ReadKey, SecretRead]
    ) -> tuple[dict[ReadKey, SecretOutcome], dict[ReadKey, _Flight], dict[ReadKey, _Flight]]:
        """Return what is known, the reads this thread takes on, and those another thread is making."""
        known: dict[ReadKey, SecretOutcome] = {}
        own: dict[ReadKey, _Flight] = {}
        others: dict[ReadKey, _Flight] = {}
        with self._lock:
            for key in wanted:
                if key in self._known:
                    known[key] = own_outcome(self._known[key])
                elif key in self._flights:
                    others[key] = self._flights[key]
                else:
                    own[key] = self._flights[key] = _Flight()
        return known, own, others

    def _fly(self, reads: Sequence[SecretRead], flights: Mapping[ReadKey, _Flight]) -> None:
        if not reads:
            return
        try:
            for flight, outcome in zip(flights.values(), self._inner.fetch_many(reads), strict=True):
                flight.outcome = outcome
        except BaseException as error:
            for flight in flights.values():
                flight.error = error
            raise
        finally:
            self._land(flights)

    def _land(self, flights: Mapping[ReadKey, _Flight]) -> None:
        """Publish. A failure that may pass is not remembered: the next object deserves its own attempt."""
        with self._lock:
            for key, flight in flights.items():
                del self._flights[key]
                outcome = flight.outcome
                if self._remembers and outcome is not None and not _may_pass(outcome):
                    self._known[key] = outcome
        for flight in flights.values():
            flight.done.set()


def another(error: BaseException) -> BaseException:
    """Return a copy to raise: an exception object belongs to one thread, because raising it writes its traceback.

    Some cannot be copied; then saying which it was matters more.
    """
    try:
        return copy.copy(error)
    except TypeError:
        return error


def _may_pass(outcome: SecretOutcome) -> bool:
    return isinstance(outcome, BackendError) and outcome.is_transient


def own_outcome(outcome: SecretOutcome) -> SecretOutcome:
    """Return an outcome one thread may raise, where several got the same."""
    return copy.copy(outcome) if isinstance(outcome, BackendError) else outcome
