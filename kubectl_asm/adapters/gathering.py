"""Reads of several rounds in one batch call: a decorator of SecretSource for many workers.

While one call of a client is under way, the reads that other workers want of it gather; the next call takes them all.
Nobody waits for company: a lone worker calls at once.
Source: spec/operation.md 8; batch sizes are those of adapters/decorate.py.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from kubectl_asm.adapters.decorate import ReadKey, read_key
from kubectl_asm.adapters.joining import another, own_outcome
from kubectl_asm.model.backend import SecretOutcome, SecretRead
from kubectl_asm.ports import SecretSource

_Client = tuple[str, str, str, str]


@dataclass(slots=True)
class _Gathering:
    """Reads of one client that wait for their call."""

    reads: dict[ReadKey, SecretRead] = field(default_factory=dict)
    outcomes: dict[ReadKey, SecretOutcome] = field(default_factory=dict)
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Line:
    """One client: how many calls are under way, and what gathers for the next."""

    calls: int = 0
    next: _Gathering | None = None


class GatheringSource:
    """Wraps a source that batches what it is given. calls: at the same time, for each client."""

    def __init__(self, inner: SecretSource, *, calls: int = 2) -> None:
        self._inner = inner
        self._calls = calls
        self._condition = threading.Condition()
        self._lines: dict[_Client, _Line] = {}

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order. Raises StaleClientError and ShutdownError."""
        outcomes: dict[ReadKey, SecretOutcome] = {}
        by_client: dict[_Client, list[SecretRead]] = {}
        for read in reads:
            by_client.setdefault(read.client.cache_key, []).append(read)
        for client, own in by_client.items():
            outcomes.update(self._fetch(client, own))
        return [own_outcome(outcomes[read_key(read)]) for read in reads]

    def _fetch(self, client: _Client, reads: Sequence[SecretRead]) -> dict[ReadKey, SecretOutcome]:
        with self._condition:
            line = self._lines.setdefault(client, _Line())
            is_leader = line.next is None
            gathering = line.next = line.next or _Gathering()
            gathering.reads.update({read_key(read): read for read in reads})
            if is_leader:
                while line.calls >= self._calls:
                    self._condition.wait()
                line.calls += 1
                line.next = None
        if is_leader:
            self._call(client, line, gathering)
        gathering.done.wait()
        if gathering.error is not None:
            raise gathering.error if is_leader else another(gathering.error)
        return gathering.outcomes

    def _call(self, client: _Client, line: _Line, gathering: _Gathering) -> None:
        try:
            outcomes = self._inner.fetch_many(tuple(gathering.reads.values()))
            gathering.outcomes = dict(zip(gathering.reads, outcomes, strict=True))
        except BaseException as error:  # noqa: BLE001  # every waiting worker raises it
            gathering.error = error
        finally:
            gathering.done.set()
            with self._condition:
                line.calls -= 1
                if not line.calls and line.next is None:
                    self._lines.pop(client, None)
                self._condition.notify_all()
