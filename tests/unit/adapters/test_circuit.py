"""When stores and services are left alone, for how long, and what finds out that they work again."""

from __future__ import annotations

import pytest

from kubectl_asm.adapters.circuit import LONGEST_PAUSE_S, PASSING_FAILURES, WAITED_FOR_S, CircuitReader
from kubectl_asm.adapters.decorate import BatchingSource, Retry
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    ErrorClass,
    Network,
    Provider,
    SecretAnswer,
    SecretRead,
    SecretRequest,
    ShutdownError,
)
from kubectl_asm.model.sensitive import SecretBytes
from tests.harness.world import FakeClock, SeededRandom

GOOD = SecretAnswer(SecretBytes.of_text("v"))
REFUSED = BackendError("no such role", code="NoPermission", status=403, error_class=ErrorClass.CREDENTIALS)
NO_STS = BackendError("silence", network=Network.TIMEOUT, error_class=ErrorClass.CREDENTIALS)
SILENT = BackendError("silence", network=Network.TIMEOUT)
THROTTLED = BackendError(code="Rejected.Throttling", status=429)
BROKEN = BackendError(code="InternalFailure", status=500)
DENIED = BackendError(code="Forbidden.NoPermission", status=403)


class Service:
    """Answers every call with what it is set to; calls: how many came through."""

    def __init__(self):
        self.clock = FakeClock()
        self.circuit = CircuitReader(self, self.clock)
        self.outcome = GOOD
        self.calls = 0
        self.during = lambda: None

    def read(self, read):
        self.calls += 1
        during, self.during = self.during, lambda: None
        during()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def read_batch(self, client, reads):
        return [self.read(read) for read in reads]

    def ask(self, outcome=None, *, store="namespace/shop/one", version="1", endpoint="", key="k"):
        """Ask once; returns the error if there is one."""
        self.outcome = outcome or self.outcome
        client = ClientPlan(store, Provider.KMS, endpoint=endpoint, version=version)
        try:
            self.circuit.read(SecretRead(client, SecretRequest(Provider.KMS, key)))
        except BackendError as error:
            return error
        return None

    def calls_of(self, times, *arguments, **fields):
        before = self.calls
        for _ in range(times):
            self.ask(*arguments, **fields)
        return self.calls - before


@pytest.fixture
def service():
    return Service()


def test_refused_credentials_are_tried_once_and_then_left_alone(service):
    assert service.calls_of(10, REFUSED) == 1
    assert service.circuit.open_stores() == 1


def test_it_is_said_once_that_something_is_left_alone_and_once_that_it_works_again(service, caplog):
    caplog.set_level("INFO")
    for _ in range(100):
        service.ask(REFUSED)
        service.clock.wait(1.0)
    service.clock.wait(60.0)
    service.calls_of(3, GOOD)
    said = [record.message for record in caplog.records]
    name = "the identity of kms client namespace/shop/one"
    why = "NoPermission, HTTP 403, no such role"
    assert said == [f"{name} is left alone for a while, and then tried again: {why}", f"{name} works again"]


def test_what_is_answered_from_memory_is_final_so_that_nobody_waits_for_it(service):
    first, second = service.ask(NO_STS), None
    assert first.is_transient
    service.calls_of(PASSING_FAILURES, NO_STS)
    second = service.ask()
    assert (second.network, second.is_transient) == (Network.TIMEOUT, False)


def test_pauses_double_up_to_a_minute(service):
    service.ask(REFUSED)
    pauses = []
    for _ in range(6):
        began = service.clock.monotonic()
        while service.calls_of(1) == 0:
            service.clock.wait(1.0)
        pauses.append(service.clock.monotonic() - began)
    assert pauses == [5.0, 10.0, 20.0, 40.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_failures_of_calls_that_were_under_way_do_not_lengthen_the_pause(service):
    service.during = lambda: service.calls_of(1, REFUSED, endpoint="elsewhere")
    service.ask(REFUSED)
    assert service.calls == 2
    service.clock.wait(5.0)
    assert service.calls_of(3) == 1


def test_one_caller_finds_out_while_the_others_are_answered_from_memory(service):
    service.ask(REFUSED)
    service.clock.wait(5.0)
    meanwhile = []
    service.during = lambda: meanwhile.append(service.ask())
    assert service.ask() is not None
    assert service.calls == 2
    assert meanwhile[0].code == "NoPermission"


def test_a_success_closes_the_circuit_and_the_next_pause_is_short_again(service):
    service.ask(REFUSED)
    service.clock.wait(5.0)
    assert service.ask(GOOD) is None
    service.ask(REFUSED)
    service.clock.wait(5.0)
    assert service.calls_of(2, GOOD) == 2


def test_a_changed_store_and_other_stores_are_not_concerned(service):
    service.ask(REFUSED)
    assert service.ask(GOOD, store="namespace/shop/two") is None
    assert service.ask() is not None
    assert service.ask(version="2") is None
    assert service.circuit.open_stores() == 0


def test_a_store_counts_as_left_alone_between_a_pause_and_its_probe_and_not_when_nobody_uses_it_any_more(service):
    service.ask(REFUSED)
    service.clock.wait(500.0)
    assert service.circuit.open_stores() == 1
    service.clock.wait(200.0)
    assert service.circuit.open_stores() == 0


def test_an_identity_is_the_same_at_every_endpoint_and_a_service_is_not(service):
    service.ask(REFUSED, endpoint="a")
    assert service.calls_of(1, endpoint="b") == 0
    service.calls_of(PASSING_FAILURES, SILENT, store="cluster/other", endpoint="a")
    assert service.calls_of(1, store="cluster/other", endpoint="a") == 0
    assert service.ask(GOOD, store="cluster/other", endpoint="b") is None


@pytest.mark.parametrize("error", [SILENT, THROTTLED, NO_STS])
def test_what_may_pass_opens_a_circuit_only_after_several_failures_in_a_row(service, error):
    assert service.calls_of(PASSING_FAILURES + 5, error) == PASSING_FAILURES


@pytest.mark.parametrize("error", [BROKEN, DENIED])
def test_answers_about_one_secret_open_nothing(service, error):
    assert service.calls_of(20, error) == 20
    assert service.circuit.open_stores() == 0


def test_a_success_in_between_shows_that_the_service_is_there(service):
    for _ in range(5):
        assert service.calls_of(PASSING_FAILURES - 1, THROTTLED) == PASSING_FAILURES - 1
        assert service.ask(GOOD) is None


@pytest.mark.parametrize(("stated_s", "calls"), [(WAITED_FOR_S, PASSING_FAILURES), (WAITED_FOR_S + 1, 1)])
def test_a_service_that_asks_for_more_patience_than_workers_have_is_left_alone_at_once(service, stated_s, calls):
    busy = BackendError(code="Rejected.Throttling", status=429, retry_after_s=stated_s)
    assert service.calls_of(PASSING_FAILURES + 5, busy) == calls
    service.clock.wait(stated_s)
    assert service.calls_of(1, GOOD) == 1


def test_the_delay_a_service_states_is_respected_up_to_five_minutes(service):
    hour = BackendError(code="Rejected.Throttling", status=429, retry_after_s=3600.0)
    service.calls_of(PASSING_FAILURES, hour)
    service.clock.wait(299.0)
    assert service.calls_of(1) == 0
    service.clock.wait(1.0)
    assert service.calls_of(1) == 1


def test_a_probe_that_shutdown_ends_leaves_the_next_one_free(service):
    service.ask(REFUSED)
    service.clock.wait(5.0)
    service.outcome = ShutdownError()
    with pytest.raises(ShutdownError):
        service.ask()
    assert service.ask(GOOD) is None


def test_a_dead_service_costs_a_worker_no_waiting_once_that_is_known(service):
    source = BatchingSource(service.circuit, Retry(service.clock, SeededRandom()))
    service.outcome = SILENT
    client = ClientPlan("env.client", Provider.KMS)
    for number in range(100):
        source.fetch_many([SecretRead(client, SecretRequest(Provider.KMS, f"k{number}"))])
    assert service.calls <= PASSING_FAILURES + 3
    assert service.clock.monotonic() < 30
