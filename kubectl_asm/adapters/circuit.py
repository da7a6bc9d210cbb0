"""What fails as a whole is left alone for a while: a decorator of a backend reader.

Two things can fail for every secret behind them at once, and each has its circuit:

    identity   one failing role would cost an STS call for every secret of every object
    service    a host that does not answer, or refuses everybody for their number, would keep a worker for half a minute
               with every secret, and workers that wait there are missing for the objects of other stores

While a circuit is open its failure is answered from memory, as a final one: there is nothing to wait for. When the pause is
over one call finds out. A store, Secret or ServiceAccount that changed is another client, so a repair takes effect at once.
Source: spec/operation.md 8, spec/auth.md 8.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from kubectl_asm.model.backend import BackendError, ClientPlan, ErrorClass, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.ports import BatchSecretReader, Clock

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 60.0
"""A repair that changes nothing in the cluster, a role's trust policy for example, is noticed within this."""
LONGEST_STATED_S: Final = 300.0
PASSING_FAILURES: Final = 6
"""Failures in a row, of a kind that may pass, that open a circuit: what two reads with all their repeats meet."""
WAITED_FOR_S: Final = 10.0
"""A service that asks for more patience than this is left alone at once: no worker waits that long."""
_KEPT: Final = 4096
_IN_USE_S: Final = 600.0
"""A pause that ended longer ago is nobody's any more: the store is gone, or used very rarely."""

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Circuit:
    """Failures in a row of one identity or service. until_s: end of the pause, None before the first.

    version: of the client; another one knows nothing of these failures. pauses: in a row; is_probing: one caller is
    finding out whether it is over.
    """

    version: str
    error: BackendError
    failures: int = 0
    pauses: int = 0
    until_s: float | None = None
    is_probing: bool = False


class CircuitReader:
    """Wraps a reader. Safe for use by several threads."""

    def __init__(self, inner: BatchSecretReader, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._lock = threading.Lock()
        self._circuits: dict[_Key, _Circuit] = {}

    def read(self, read: SecretRead) -> SecretAnswer:
        """Read, or raise the failure that opened a circuit again."""
        return self._guarded(read.client, lambda: self._inner.read(read))

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Read several, or raise the failure that opened a circuit again."""
        return self._guarded(client, lambda: self._inner.read_batch(client, reads))

    def open_stores(self) -> int:
        """Return how many stores are left alone because their identity fails, or have just been found failing again."""
        oldest_s = self._clock.monotonic() - _IN_USE_S
        with self._lock:
            untils = [one.until_s for key, one in self._circuits.items() if key[0] == "identity"]
        return sum(until_s is not None and until_s > oldest_s for until_s in untils)

    def _guarded(self, client: ClientPlan, call: Callable[[], T]) -> T:
        keys = _keys_of(client)
        probed = self._admitted(client.version, keys)
        try:
            result = call()
        except BackendError as error:
            self._failed(client.version, keys, error, probed)
            raise
        except BaseException:
            with self._lock:
                self._end_probes(probed)
            raise
        with self._lock:
            for key in keys:
                self._close(key)
        return result

    def _admitted(self, version: str, keys: Sequence[_Key]) -> frozenset[_Key]:
        """Raise while a circuit is open; returns those that this caller, and no other, finds out about."""
        with self._lock:
            now_s = self._clock.monotonic()
            known = {key: one for key in keys if (one := self._circuits.get(key)) is not None and one.version == version}
            paused = {key: one for key, one in known.items() if one.until_s is not None}
            for circuit in paused.values():
                if circuit.is_probing or (circuit.until_s or 0.0) > now_s:
                    raise _remembered(circuit.error)
            for circuit in paused.values():
                circuit.is_probing = True
            return frozenset(paused)

    def _failed(self, version: str, keys: tuple[_Key, _Key], error: BackendError, probed: frozenset[_Key]) -> None:
        identity, service = keys
        with self._lock:
            if error.error_class is ErrorClass.CREDENTIALS:
                self._count(identity, version, error, is_probe=identity in probed)
                self._end_probes(probed & {service})  # the service was not reached
                return
            self._close(identity)
            if _concerns_all(error):
                self._count(service, version, error, is_probe=service in probed)
            else:
                self._close(service)

    def _close(self, key: _Key) -> None:
        before = self._circuits.pop(key, None)
        if before is not None and before.until_s is not None:
            _LOG.info("%s works again", _named(key))

    def _count(self, key: _Key, version: str, error: BackendError, *, is_probe: bool) -> None:
        circuit = self._circuits.get(key)
        if circuit is None or circuit.version != version:
            circuit = self._new(key, version, error)
        if circuit.until_s is not None and not is_probe:
            return  # the call began before the pause, and must not lengthen it
        circuit.error = copy.copy(error)
        circuit.failures += 1
        circuit.is_probing = False
        is_asked_to_wait = (error.retry_after_s or 0.0) > WAITED_FOR_S
        if is_probe or is_asked_to_wait or not error.is_transient or circuit.failures >= PASSING_FAILURES:
            circuit.pauses += 1
            circuit.until_s = self._clock.monotonic() + _pause_s(circuit.pauses, error.retry_after_s)
            if circuit.pauses == 1:
                _LOG.warning("%s is left alone for a while, and then tried again: %s", _named(key), error)

    def _new(self, key: _Key, version: str, error: BackendError) -> _Circuit:
        while len(self._circuits) >= _KEPT:
            self._circuits.pop(next(iter(self._circuits)))
        circuit = self._circuits[key] = _Circuit(version, error)
        return circuit

    def _end_probes(self, keys: Iterable[_Key]) -> None:
        for key in keys:
            if (circuit := self._circuits.get(key)) is not None:
                circuit.is_probing = False


def _keys_of(client: ClientPlan) -> tuple[_Key, _Key]:
    store = client.name.split("#", 1)[0]
    return ("identity", client.provider, store), ("service", client.provider, client.name, client.endpoint)


def _named(key: _Key) -> str:
    what, provider, store, *place = key
    at = f" at {place[0]}" if what == "service" and place[0] else ""
    return f"the {what} of {provider} client {store}{at}"


def _concerns_all(error: BackendError) -> bool:
    """Whether a failure says something about the service and not about one secret: silence, and too many calls."""
    is_throttled = error.status == 429 or "Throttling" in error.code
    return error.is_transient and (error.network is not None or is_throttled)


def _pause_s(pauses: int, stated_s: float | None) -> float:
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(pauses - 1, 16), LONGEST_PAUSE_S)
    return pause_s if stated_s is None else max(pause_s, min(stated_s, LONGEST_STATED_S))


def _remembered(error: BackendError) -> BackendError:
    """An exception object belongs to one thread: raising it writes its traceback."""
    own = copy.copy(error)
    own.permanent = own.repeated = True
    return own
