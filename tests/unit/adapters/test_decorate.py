"""Decorators around a backend reader: what is repeated, joined, limited and counted."""

import threading
from collections.abc import Callable

import pytest

from kubectl_asm.adapters.decorate import (
    AttemptLimiter,
    BatchingSource,
    CallCounts,
    ConcurrencyLimit,
    MeteredReader,
    RecordingReader,
    Retry,
    RetryingReader,
    RoundTokenBucket,
    SequentialSource,
    account_of,
    batches,
)
from kubectl_asm.model.backend import (
    AccessKeyPair,
    BackendError,
    ClientPlan,
    ErrorClass,
    Identity,
    Network,
    Provider,
    RoleHop,
    SecretAnswer,
    SecretRead,
    SecretRequest,
    ShutdownError,
    StaleClientError,
    Tier,
)
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.ports import BatchUnsupportedError, BucketExhaustedError

THROTTLED = "Rejected.Throttling"


class FakeClock:
    """Waits take no time; shutdown_at_wait: the number of the wait (from 1) that shutdown cuts."""

    def __init__(self, shutdown_at_wait: int = 0) -> None:
        self.now = 100.0
        self.waits: list[float] = []
        self._shutdown_at = shutdown_at_wait

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if len(self.waits) == self._shutdown_at:
            return False
        self.now += seconds
        return True


class FixedRandom:
    """Uniform draws return the given share of the range."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def below(self, limit: int) -> int:
        return int(limit * self.share)

    def token(self, count: int) -> bytes:
        return bytes(count)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.share


class Scripted:
    """Answers by script: an answer text, an exception to raise, one a call, the last repeats."""

    def __init__(self, *steps: str | BaseException) -> None:
        self.steps = list(steps)
        self.calls = 0

    def read(self, read: SecretRead) -> SecretAnswer:
        step = self.steps[min(self.calls, len(self.steps) - 1)]
        self.calls += 1
        if isinstance(step, BaseException):
            raise step
        return answer(step)


class Batch(Scripted):
    """A reader with a batch call; batch_steps: outcomes of whole calls, an exception or a function of one read."""

    def __init__(self, *batch_steps: BaseException | Callable[[SecretRead], SecretAnswer | BackendError]) -> None:
        super().__init__("single")
        self.batch_steps = list(batch_steps)
        self.groups: list[list[str]] = []

    def read_batch(self, client: ClientPlan, reads):
        self.groups.append([read.request.key for read in reads])
        step = self.batch_steps[min(len(self.groups), len(self.batch_steps)) - 1]
        if isinstance(step, BaseException):
            raise step
        return [step(read) for read in reads]


def answer(text: str = "v") -> SecretAnswer:
    return SecretAnswer(SecretBytes.of_text(text))


def read(key: str = "k", *, provider: Provider = Provider.KMS, client: str = "env.client", stage: str = "") -> SecretRead:
    return SecretRead(ClientPlan(client, provider), SecretRequest(provider, key, version_stage=stage))


def throttled(**more) -> BackendError:
    return BackendError("slow down", code=THROTTLED, status=429, **more)


def denied() -> BackendError:
    return BackendError(code="Forbidden.NoPermission", status=403)


def retry(clock: FakeClock | None = None, share: float = 0.5) -> Retry:
    return Retry(clock or FakeClock(), FixedRandom(share))


# --- retry


def test_a_transient_failure_is_tried_three_times_with_waits_of_two_and_four_seconds():
    clock, inner = FakeClock(), Scripted(throttled())
    with pytest.raises(BackendError, match=THROTTLED):
        RetryingReader(inner, retry(clock)).read(read())
    assert inner.calls == 3
    assert clock.waits == [2.0, 4.0]


@pytest.mark.parametrize(("share", "waits"), [(0.0, [1.6, 3.2]), (1.0, [2.4, 4.8])])
def test_waits_are_spread_by_a_fifth_in_both_directions(share, waits):
    clock = FakeClock()
    with pytest.raises(BackendError):
        RetryingReader(Scripted(throttled()), retry(clock, share)).read(read())
    assert clock.waits == pytest.approx(waits)


def test_a_read_that_recovers_gives_its_answer():
    inner = Scripted(BackendError(network=Network.RESET), "late")
    assert RetryingReader(inner, retry()).read(read()) == answer("late")


@pytest.mark.parametrize("error", [denied(), BackendError(network=Network.REFUSED), BackendError(status=503, permanent=True)])
def test_a_permanent_failure_is_tried_once(error):
    clock, inner = FakeClock(), Scripted(error)
    with pytest.raises(BackendError):
        RetryingReader(inner, retry(clock)).read(read())
    assert (inner.calls, clock.waits) == (1, [])


def test_the_delay_stated_by_the_server_replaces_ours_even_above_ten_seconds():
    clock = FakeClock()
    RetryingReader(Scripted(throttled(retry_after_s=25.0), "v"), retry(clock)).read(read())
    assert clock.waits == [25.0]


def test_a_server_that_asks_for_an_hour_is_not_waited_for():
    clock, inner = FakeClock(), Scripted(throttled(retry_after_s=3600.0))
    with pytest.raises(BackendError):
        RetryingReader(inner, retry(clock)).read(read())
    assert (inner.calls, clock.waits) == (1, [])


def test_shutdown_cuts_the_wait_and_the_error_names_the_last_transient_error():
    inner = Scripted(throttled())
    with pytest.raises(BackendError, match=f"last transient error: {THROTTLED}") as caught:
        RetryingReader(inner, retry(FakeClock(shutdown_at_wait=1))).read(read())
    assert inner.calls == 1
    assert not caught.value.is_transient


def test_a_stale_client_passes_through_unrepeated():
    inner = Scripted(StaleClientError())
    with pytest.raises(StaleClientError):
        RetryingReader(inner, retry()).read(read())
    assert inner.calls == 1


# --- equal reads


# --- limits


def test_the_round_bucket_gives_one_token_at_once_and_then_one_a_tenth_of_a_second():
    clock = FakeClock()
    bucket = RoundTokenBucket(clock, {Provider.KMS: 10})
    for _ in range(3):
        bucket.take(Provider.KMS)
    assert clock.waits == pytest.approx([0.0, 0.1, 0.1])


def test_the_providers_have_buckets_of_their_own_and_zero_is_unlimited():
    clock = FakeClock()
    bucket = RoundTokenBucket(clock, {Provider.KMS: 1, Provider.OOS: 0})
    bucket.take(Provider.KMS)
    for _ in range(100):
        bucket.take(Provider.OOS)
    assert set(clock.waits) == {0.0}


def test_unused_tokens_are_not_saved_up():
    clock = FakeClock()
    bucket = RoundTokenBucket(clock, {Provider.KMS: 1})
    bucket.take(Provider.KMS)
    clock.now += 1000
    bucket.take(Provider.KMS)
    bucket.take(Provider.KMS)
    assert clock.waits == [0.0, 0.0, 1.0]


def test_a_bucket_that_cannot_serve_within_five_minutes_says_so_at_once():
    clock = FakeClock()
    bucket = RoundTokenBucket(clock, {Provider.KMS: 1 / 400})
    bucket.take(Provider.KMS)
    with pytest.raises(BucketExhaustedError):
        bucket.take(Provider.KMS)
    clock.now += 390
    bucket.take(Provider.KMS)  # the refused round took nothing
    assert clock.waits == [0.0, 10.0]


def test_shutdown_ends_the_wait_for_a_token():
    bucket = RoundTokenBucket(FakeClock(shutdown_at_wait=2), {Provider.KMS: 1})
    bucket.take(Provider.KMS)
    with pytest.raises(ShutdownError):
        bucket.take(Provider.KMS)


def test_a_round_that_begins_during_shutdown_gets_no_token():
    for rate in (0, 10):
        with pytest.raises(ShutdownError):
            RoundTokenBucket(FakeClock(shutdown_at_wait=1), {Provider.KMS: rate}).take(Provider.KMS)


def test_the_attempt_limiter_counts_retries_and_never_exceeds_its_rate():
    clock = FakeClock()
    limiter = AttemptLimiter(Scripted(throttled()), clock, rate=1.0)
    with pytest.raises(BackendError):
        RetryingReader(limiter, Retry(FakeClock(), FixedRandom())).read(read())
    assert clock.now - 100.0 == pytest.approx(2.0)  # three attempts, one a second


def test_accounts_are_limited_apart():
    clock = FakeClock()
    limiter = AttemptLimiter(Scripted("v"), clock, rate=1.0)
    limiter.read(read(client="a"))
    limiter.read(read(client="b"))
    assert clock.waits == []


def test_the_account_of_a_client_is_that_of_its_last_role():
    key = AccessKeyPair(SecretBytes(b"AK1"), SecretBytes(b"x"))
    role = Identity(Tier.AK_ASSUME_ROLE, key, "acs:ram::111:role/a")
    hop = Identity(Tier.AK, key, hop=RoleHop("acs:ram::222:role/b", "s"))
    plans = [ClientPlan("c", Provider.KMS, identity=identity) for identity in (role, hop, Identity(Tier.AK, key), None)]
    assert [account_of(plan) for plan in plans] == ["111", "222", "AK1", "c"]


def test_no_more_calls_run_at_once_than_the_limit_allows():
    running, peak, lock = 0, 0, threading.Lock()
    gate = threading.Barrier(2, timeout=5)

    class Watched:
        def read(self, _read: SecretRead) -> SecretAnswer:
            nonlocal running, peak
            with lock:
                running += 1
                peak = max(peak, running)
            gate.wait()
            with lock:
                running -= 1
            return answer()

    reader = ConcurrencyLimit(Watched(), 2)
    threads = [threading.Thread(target=reader.read, args=(read(str(n)),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert peak == 2


# --- counting


def test_calls_are_counted_by_code():
    counts, clock = CallCounts(), FakeClock()
    steps = Scripted(
        "v",
        throttled(),
        BackendError(network=Network.TIMEOUT),
        BackendError(status=502),
        BackendError("x", error_class=ErrorClass.CREDENTIALS),
        BackendError("sts is away", network=Network.TIMEOUT, error_class=ErrorClass.CREDENTIALS),
    )
    reader = MeteredReader(steps, counts, clock)
    SequentialSource(reader).fetch_many([read()] * 6)
    kms = Provider.KMS
    assert counts.by_code() == {
        (kms, "OK"): 1,
        (kms, THROTTLED): 1,
        (kms, "timeout"): 1,
        (kms, "HTTP 502"): 1,
        (kms, "credentials"): 2,
    }
    assert counts.total() == 4, "without credentials nothing was sent"


def test_a_recorder_keeps_the_reads_in_order():
    recorder = RecordingReader(Scripted("v"))
    SequentialSource(recorder).fetch_many([read("a"), read("b"), read("a")])
    assert [one.request.key for one in recorder.reads] == ["a", "b", "a"]


# --- sources


def test_a_sequential_source_returns_errors_in_their_place():
    outcomes = SequentialSource(Scripted("a", denied(), "c")).fetch_many([read("a"), read("b"), read("c")])
    assert outcomes[0] == answer("a")
    assert isinstance(outcomes[1], BackendError)
    assert outcomes[2] == answer("c")


@pytest.mark.parametrize("signal", [StaleClientError(), ShutdownError()])
def test_a_source_raises_what_ends_the_round(signal):
    with pytest.raises(type(signal)):
        SequentialSource(Scripted(signal)).fetch_many([read()])


def test_reads_are_grouped_by_client_with_different_secrets_and_service_limits():
    reads = [read(f"k{n}") for n in range(21)] + [read("k0", stage="ACSPrevious"), read("x", client="b")]
    reads += [read(f"p{n}", provider=Provider.OOS) for n in range(11)]
    assert [len(group) for group in batches(reads)] == [20, 2, 1, 10, 1]


def test_a_batching_source_asks_once_for_many_and_keeps_the_order():
    reader = Batch(lambda one: answer(one.request.key))
    outcomes = BatchingSource(reader, retry()).fetch_many([read("b"), read("a"), read("b")])
    assert outcomes == [answer("b"), answer("a"), answer("b")]
    assert reader.groups == [["b", "a"]]


def test_a_service_without_batch_reads_is_asked_one_by_one():
    reader = Batch(BatchUnsupportedError())
    assert BatchingSource(reader, retry()).fetch_many([read("a"), read("b")]) == [answer("single")] * 2


def test_only_the_item_that_may_recover_is_read_again():
    items = {"ok": answer("ok"), "busy": throttled(), "no": denied()}
    reader, clock = Batch(lambda one: items[one.request.key]), FakeClock()
    ok, busy, no = BatchingSource(reader, retry(clock)).fetch_many([read("ok"), read("busy"), read("no")])
    assert (ok, busy) == (answer("ok"), answer("single"))
    assert isinstance(no, BackendError)
    assert (reader.calls, clock.waits) == (1, [2.0])


def test_items_that_may_recover_wait_together_and_are_asked_for_together():
    reader, clock = Batch(lambda _one: throttled()), FakeClock()
    names = [str(number) for number in range(20)]
    outcomes = BatchingSource(reader, retry(clock)).fetch_many([read(name) for name in names])
    assert all(isinstance(outcome, BackendError) for outcome in outcomes)
    assert (reader.groups, clock.waits) == ([names] * 3, [2.0, 4.0])


def test_the_longest_delay_the_service_states_for_an_item_holds_for_all():
    items = {"a": throttled(retry_after_s=7.0), "b": throttled(), "hour": throttled(retry_after_s=3600.0)}
    reader, clock = Batch(lambda one: items[one.request.key], lambda one: answer(one.request.key)), FakeClock()
    outcomes = BatchingSource(reader, retry(clock)).fetch_many([read("a"), read("b"), read("hour")])
    assert outcomes == [answer("a"), answer("b"), items["hour"]]
    assert clock.waits == [7.0]


def test_single_reads_of_a_service_without_batch_share_their_waits():
    reader, clock = Batch(BatchUnsupportedError()), FakeClock()
    reader.steps = [throttled(), throttled(), "single"]
    assert BatchingSource(reader, retry(clock)).fetch_many([read("a"), read("b")]) == [answer("single")] * 2
    assert clock.waits == [2.0]


def test_shutdown_gives_what_was_to_be_asked_again_an_error_that_says_so():
    clock = FakeClock(shutdown_at_wait=1)
    reader = Batch(lambda one: throttled() if one.request.key == "busy" else answer(one.request.key))
    good, busy = BatchingSource(reader, retry(clock)).fetch_many([read("good"), read("busy")])
    assert good == answer("good")
    assert "last transient error" in str(busy)


def test_a_batch_call_that_fails_as_a_whole_is_repeated_as_a_whole():
    reader = Batch(throttled(), lambda one: answer(one.request.key))
    assert BatchingSource(reader, retry()).fetch_many([read("a"), read("b")]) == [answer("a"), answer("b")]
    assert len(reader.groups) == 2


def test_a_batch_call_that_never_succeeds_gives_every_read_its_error():
    reader = Batch(denied())
    outcomes = BatchingSource(reader, retry()).fetch_many([read("a"), read("b")])
    assert all(isinstance(outcome, BackendError) for outcome in outcomes)
    assert outcomes[0] is not outcomes[1]


def test_decorators_pass_batch_calls_on_to_readers_that_have_them():
    counts = CallCounts()
    reader = Batch(lambda one: answer(one.request.key))
    wrapped = AttemptLimiter(ConcurrencyLimit(MeteredReader(reader, counts, FakeClock()), 4), FakeClock())
    assert wrapped.read_batch(read().client, [read("a"), read("b")]) == [answer("a"), answer("b")]
    with pytest.raises(BatchUnsupportedError):
        ConcurrencyLimit(Scripted("v"), 1).read_batch(read().client, [read()])
    assert counts.total() == 1
