"""A store whose credentials fail is left alone for a while: a decorator of a backend reader.

One failing role would otherwise cost an STS call for every secret of every object. The failure is answered from memory
until the pause is over; then one call finds out. A store, Secret or ServiceAccount that changed is another client, so a
repair takes effect at once.
Source: spec/operation.md 8, spec/auth.md 8.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from kubectl_asm.model.backend import BackendError, ClientPlan, ErrorClass, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.ports import BatchSecretReader, Clock

T = TypeVar("T")

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 300.0
_KEPT: Final = 4096

_Client = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Open:
    """A pause: what failed, until when, how often in a row. probing: one caller is finding out whether it is over."""

    error: BackendError
    until_s: float
    failures: int
    probing: bool = False


class CircuitReader:
    """Wraps a reader. Safe for use by several threads."""

    def __init__(self, inner: BatchSecretReader, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[_Client, _Open] = {}

    def read(self, read: SecretRead) -> SecretAnswer:
        """Read, or raise the failure of the credentials again."""
        return self._guarded(read.client, lambda: self._inner.read(read))

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Read several, or raise the failure of the credentials again."""
        return self._guarded(client, lambda: self._inner.read_batch(client, reads))

    def open_stores(self) -> int:
        """Return how many clients are paused now."""
        now_s = self._clock.monotonic()
        with self._lock:
            return sum(pause.until_s > now_s for pause in self._open.values())

    def _guarded(self, client: ClientPlan, call: Callable[[], T]) -> T:
        key = (client.provider, client.name.split("#", 1)[0], client.version)
        self._check(key)
        try:
            result = call()
        except BackendError as error:
            self._failed(key, error)
            raise
        except BaseException:
            self._give_up_probe(key)
            raise
        with self._lock:
            self._open.pop(key, None)
        return result

    def _check(self, key: _Client) -> None:
        """Raise while the circuit is open; the first caller after the pause goes through alone."""
        with self._lock:
            pause = self._open.get(key)
            if pause is None:
                return
            if pause.probing or pause.until_s > self._clock.monotonic():
                raise copy.copy(pause.error)
            self._open[key] = _Open(pause.error, pause.until_s, pause.failures, probing=True)

    def _failed(self, key: _Client, error: BackendError) -> None:
        with self._lock:
            before = self._open.pop(key, None)
            if error.error_class is not ErrorClass.CREDENTIALS:
                return
            failures = (before.failures if before else 0) + 1
            pause_s = min(FIRST_PAUSE_S * 2.0 ** (failures - 1), LONGEST_PAUSE_S)
            if error.retry_after_s is not None:
                pause_s = max(pause_s, min(error.retry_after_s, LONGEST_PAUSE_S))
            while len(self._open) >= _KEPT:
                self._open.pop(next(iter(self._open)))
            self._open[key] = _Open(copy.copy(error), self._clock.monotonic() + pause_s, failures)

    def _give_up_probe(self, key: _Client) -> None:
        with self._lock:
            pause = self._open.get(key)
            if pause is not None and pause.probing:
                self._open[key] = _Open(pause.error, pause.until_s, pause.failures)
