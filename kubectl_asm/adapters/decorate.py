"""What is put around a backend reader: retry, rate limits, joining of equal reads, counting, and the engine's view.

Readers wrap readers; wiring.py chooses the order, outer to inner: coalesce, retry, attempt limit, concurrency, metrics, client.
SequentialSource and BatchingSource turn a reader into the SecretSource the engine asks. Nothing here knows a vendor,
and nothing here keeps state outside its own objects, all of which may be shared between threads.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeGuard, TypeVar

import msgspec

from kubectl_asm.adapters.pacing import Pacer
from kubectl_asm.adapters.retry import Retry, RetryPolicy, interrupted
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    ErrorClass,
    Provider,
    SecretAnswer,
    SecretOutcome,
    SecretRead,
    SecretRequest,
    ShutdownError,
)
from kubectl_asm.ports import (
    BatchSecretReader,
    BatchUnsupportedError,
    BucketExhaustedError,
    Clock,
    SecretReader,
)

# Retry and its policy are configured where the decorators are, so they are had from here.
__all__ = [
    "BATCH_SIZES",
    "ROUND_WAIT_BOUND_S",
    "AttemptLimiter",
    "BatchingSource",
    "CallCounts",
    "CallObserver",
    "ConcurrencyLimit",
    "MeteredReader",
    "ReadKey",
    "RecordingReader",
    "Retry",
    "RetryPolicy",
    "RetryingReader",
    "RoundTokenBucket",
    "SequentialSource",
    "account_of",
    "batches",
    "error_code",
    "read_key",
]

T = TypeVar("T")
ReadKey = tuple[tuple[str, str, str, str], SecretRequest]


def read_key(read: SecretRead) -> ReadKey:
    """Return what makes two reads equal: the client and what is asked. OOS ignores both version fields."""
    request = read.request
    if request.provider is Provider.OOS:
        request = msgspec.structs.replace(request, version_id="", version_stage="")
    return read.client.cache_key, request


# --- retry -----------------------------------------------------------------------------------------------------------


class RetryingReader:
    """Repeats reads that failed for a passing reason."""

    def __init__(self, inner: SecretReader, retry: Retry) -> None:
        self._inner = inner
        self._retry = retry

    def read(self, read: SecretRead) -> SecretAnswer:
        """Return the answer of the first attempt that succeeds."""
        return self._retry.run(lambda: self._inner.read(read))


# --- equal reads -----------------------------------------------------------------------------------------------------


# --- limits ----------------------------------------------------------------------------------------------------------


ROUND_WAIT_BOUND_S: Final = 300.0


class RoundTokenBucket:
    """ports.RoundBucket: rate tokens a second for each provider, burst 1; rate 0 is unlimited.

    Source: spec/data.md 8.2, spec/operation.md 8.
    """

    def __init__(self, clock: Clock, rates: Mapping[Provider, float]) -> None:
        self._clock = clock
        self._pacers = {provider: Pacer(rate, 1.0) for provider, rate in rates.items() if rate > 0}

    def change(self, provider: Provider, rate: float) -> None:
        """Use another rate from now on."""
        pacer = self._pacers.get(provider)
        if rate <= 0:
            self._pacers.pop(provider, None)
        elif pacer is None:
            self._pacers[provider] = Pacer(rate, 1.0)
        else:
            pacer.change(rate, 1.0, self._clock.monotonic())

    def take(self, provider: Provider) -> None:
        """Wait for a token; BucketExhaustedError at once when it would take more than five minutes.

        Raises ShutdownError also when no wait is needed: a round that begins during shutdown does nothing.
        """
        pacer = self._pacers.get(provider)
        delay_s = pacer.reserve(self._clock.monotonic(), ROUND_WAIT_BOUND_S) if pacer else 0.0
        if delay_s is None:
            raise BucketExhaustedError(f"no {provider} rate-limit token within {ROUND_WAIT_BOUND_S:.0f} s")
        if not self._clock.wait(delay_s):
            raise ShutdownError("shutdown was requested")


class AttemptLimiter:
    """At most rate attempts a second for each account and service, retries included.

    The service's own limit is 450 a second, account and region; the burst is a tenth of the rate so that no second
    holds more than 1.1 times the rate. Source: spec/operation.md 8, spec/cloud-apis.md 7.1.
    """

    def __init__(self, inner: SecretReader, clock: Clock, rate: float = 300.0) -> None:
        self._inner = inner
        self._clock = clock
        self._rate = rate
        self._lock = threading.Lock()
        self._pacers: dict[tuple[str, Provider], Pacer] = {}

    def read(self, read: SecretRead) -> SecretAnswer:
        """Wait for a slot, then read. Raises ShutdownError when shutdown cuts the wait."""
        self.wait_for_slot(read.client)
        return self._inner.read(read)

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Wait for one slot a call; raises BatchUnsupportedError when the inner reader has no such call."""
        self.wait_for_slot(client)
        return _read_batch(self._inner, client, reads)

    def change(self, rate: float) -> None:
        """Use another rate from now on, 0 for none."""
        with self._lock:
            self._rate = rate
            for pacer in self._pacers.values() if rate > 0 else ():
                pacer.change(rate, _burst(rate), self._clock.monotonic())

    def wait_for_slot(self, client: ClientPlan) -> None:
        """Wait until this client's account may make one more call."""
        if self._rate <= 0:
            return
        delay_s = self._pacer((account_of(client), client.provider)).reserve(self._clock.monotonic())
        _wait(self._clock, delay_s or 0.0)

    def _pacer(self, key: tuple[str, Provider]) -> Pacer:
        with self._lock:
            pacer = self._pacers.get(key)
            if pacer is None:
                pacer = self._pacers[key] = Pacer(self._rate, _burst(self._rate))
            return pacer


def _burst(rate: float) -> float:
    return max(rate / 10.0, 1.0)


def account_of(client: ClientPlan) -> str:
    """Return the account whose quota a client uses, as well as it is known without a call.

    The account of the last role in the chain; else the AccessKey id; else the client's own name.
    """
    identity = client.identity
    if identity is None:
        return client.name
    arn = identity.hop.role_arn if identity.hop else identity.role_arn
    parts = arn.split(":")
    if len(parts) > 3 and parts[3]:
        return parts[3]
    return identity.key.key_id.reveal_text() if identity.key else client.name


def _wait(clock: Clock, seconds: float) -> None:
    if seconds > 0 and not clock.wait(seconds):
        raise ShutdownError("shutdown was requested")


class ConcurrencyLimit:
    """At most limit calls at the same time."""

    def __init__(self, inner: SecretReader, limit: int) -> None:
        self._inner = inner
        self._slots = threading.BoundedSemaphore(limit)

    def read(self, read: SecretRead) -> SecretAnswer:
        """Read when a slot is free."""
        with self._slots:
            return self._inner.read(read)

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Read several in one slot; raises BatchUnsupportedError when the inner reader has no such call."""
        with self._slots:
            return _read_batch(self._inner, client, reads)


# --- counting --------------------------------------------------------------------------------------------------------


class CallObserver(Protocol):
    """Learns of every backend call. Called from worker threads."""

    def observe(self, provider: Provider, code: str, seconds: float) -> None:
        """Take one finished call. code: `OK`, the service's code, `HTTP <status>`, a Network word, or an ErrorClass."""


_UNSENT: Final = frozenset(map(str, ErrorClass)) - {str(ErrorClass.BACKEND)}
"""What error_code says of a read that has no client: its store, host or credentials are refused here."""


class CallCounts:
    """A CallObserver that counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[Provider, str]] = Counter()

    def observe(self, provider: Provider, code: str, seconds: float) -> None:  # noqa: ARG002  # a count has no duration
        """Count one call."""
        with self._lock:
            self._counts[provider, code] += 1

    def by_code(self) -> dict[tuple[Provider, str], int]:
        """Return the counts so far, sorted."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def total(self) -> int:
        """Return the number of calls so far, without those that were refused before anything was sent."""
        with self._lock:
            return sum(count for (_, code), count in self._counts.items() if code not in _UNSENT)


class MeteredReader:
    """Reports every call, with its duration in seconds and its code, to an observer."""

    def __init__(self, inner: SecretReader, observer: CallObserver, clock: Clock) -> None:
        self._inner = inner
        self._observer = observer
        self._clock = clock

    def read(self, read: SecretRead) -> SecretAnswer:
        """Read and report."""
        return self._measured(read.client.provider, lambda: self._inner.read(read))

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Read and report as one call; raises BatchUnsupportedError when the inner reader has no such call."""
        return self._measured(client.provider, lambda: _read_batch(self._inner, client, reads))

    def _measured(self, provider: Provider, call: Callable[[], T]) -> T:
        start_s = self._clock.monotonic()
        code = "OK"
        try:
            return call()
        except BackendError as error:
            code = error_code(error)
            raise
        except BatchUnsupportedError:
            code = "batch-unsupported"
            raise
        finally:
            self._observer.observe(provider, code, self._clock.monotonic() - start_s)


def error_code(error: BackendError) -> str:
    """Return a short word for an error, for counting; the class of one that came before anything was sent to the service."""
    if error.error_class is not ErrorClass.BACKEND:
        return str(error.error_class)
    return error.code or (error.network or "") or (f"HTTP {error.status}" if error.status else str(error.error_class))


class RecordingReader:
    """Keeps the list of reads that passed, in order. Values are not kept."""

    def __init__(self, inner: SecretReader) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._reads: list[SecretRead] = []

    @property
    def reads(self) -> tuple[SecretRead, ...]:
        """The reads so far."""
        with self._lock:
            return tuple(self._reads)

    def read(self, read: SecretRead) -> SecretAnswer:
        """Record, then read."""
        with self._lock:
            self._reads.append(read)
        return self._inner.read(read)


# --- the engine's view -----------------------------------------------------------------------------------------------


class SequentialSource:
    """A SecretSource that reads one after another, in order, each exactly once."""

    def __init__(self, reader: SecretReader) -> None:
        self._reader = reader

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read. Backend errors are returned; StaleClientError and ShutdownError are raised."""
        return [_outcome(self._reader, read) for read in reads]


def _outcome(reader: SecretReader, read: SecretRead) -> SecretOutcome:
    try:
        return reader.read(read)
    except BackendError as error:
        return error


BATCH_SIZES: Final[Mapping[Provider, int]] = {Provider.KMS: 20, Provider.OOS: 10}


class BatchingSource:
    """A SecretSource that asks for the reads of one client together, and again together for those that may yet succeed.

    reader: without retry (limits and metrics may be around it). One wait serves everything that failed: were every read
    of a batch to wait for itself, twenty busy secrets would hold a worker for two minutes.
    """

    def __init__(self, reader: BatchSecretReader, retry: Retry) -> None:
        self._reader = reader
        self._retry = retry

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order. Equal reads are asked once."""
        outcomes: dict[ReadKey, SecretOutcome] = {}
        distinct = {read_key(read): read for read in reads}
        for group in batches(distinct.values()):
            outcomes.update(self._fetch(group))
        return [outcomes[read_key(read)] for read in reads]

    def _fetch(self, group: Sequence[SecretRead]) -> dict[ReadKey, SecretOutcome]:
        outcomes = self._attempt(group)
        for repeat in range(self._retry.repeats):
            failed = {key: error for key, error in outcomes.items() if self._may_recover(error)}
            if not failed:
                break
            if not self._retry.wait(list(failed.values()), repeat):
                return {**outcomes, **{key: interrupted(error) for key, error in failed.items()}}
            outcomes.update(self._attempt([read for read in group if read_key(read) in failed]))
        return outcomes

    def _may_recover(self, outcome: SecretOutcome) -> TypeGuard[BackendError]:
        return isinstance(outcome, BackendError) and self._retry.is_worth_it(outcome)

    def _attempt(self, group: Sequence[SecretRead]) -> dict[ReadKey, SecretOutcome]:
        """Ask once: in one call where the service has such a call."""
        return dict(zip(map(read_key, group), self._asked(group), strict=True))

    def _asked(self, group: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        if len(group) > 1:
            try:
                return self._reader.read_batch(group[0].client, group)
            except BatchUnsupportedError:
                pass
            except BackendError as error:
                return [copy.copy(error) for _ in group]
        return [_outcome(self._reader, read) for read in group]


def batches(reads: Iterable[SecretRead]) -> Iterator[list[SecretRead]]:
    """Group reads into calls: one client each, different secrets, no more than the service takes. Order is kept."""
    open_groups: dict[tuple[str, str, str, str], list[list[SecretRead]]] = {}
    for read in reads:
        groups = open_groups.setdefault(read.client.cache_key, [])
        size = BATCH_SIZES[read.client.provider]
        group = next((g for g in groups if len(g) < size and all(o.request.key != read.request.key for o in g)), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(read)
    for groups in open_groups.values():
        yield from groups


def _read_batch(reader: SecretReader, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
    method = getattr(reader, "read_batch", None)
    if method is None:
        raise BatchUnsupportedError(f"{type(reader).__name__} reads one by one")
    outcomes: Sequence[SecretOutcome] = method(client, reads)
    return outcomes
