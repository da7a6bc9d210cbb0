"""However often a failing store is asked for, it is called no more often than a healthy one, and ever more seldom."""

import contextlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.circuit import FIRST_PAUSE_S, LONGEST_PAUSE_S, CircuitReader
from kubectl_asm.model.backend import BackendError, ErrorClass, Network
from tests.unit.adapters.reading import Seconds, answer, read

DENIED = BackendError("no such role", code="NoPermission", status=403, error_class=ErrorClass.CREDENTIALS)
SILENT = BackendError("no answer", network=Network.TIMEOUT)


class Service:
    """Answers, or raises error; keeps the instants of its calls."""

    def __init__(self, clock, error=None):
        self.clock = clock
        self.error = error
        self.called_s = []

    def read(self, one):
        self.called_s.append(self.clock.monotonic())
        if self.error is not None:
            raise self.error
        return answer(one.request.key)


@pytest.mark.parametrize("error", [DENIED, SILENT])
@given(pauses=st.lists(st.sampled_from([0.1, 1.0, 4.0, 30.0, 120.0, 400.0]), max_size=80))
@settings(max_examples=40, deadline=None)
def test_a_failing_store_is_called_no_more_often_than_a_healthy_one(error, pauses):
    clock = Seconds()
    failing, healthy = Service(clock, error), Service(clock)
    left, right = CircuitReader(failing, clock), CircuitReader(healthy, clock)
    for pause_s in pauses:
        with pytest.raises(BackendError):
            left.read(read())
        right.read(read())
        assert len(failing.called_s) <= len(healthy.called_s)
        clock.wait(pause_s)


@given(pauses=st.lists(st.sampled_from([0.1, 1.0, 4.0, 30.0, 120.0]), max_size=80))
@settings(max_examples=40, deadline=None)
def test_calls_that_find_out_about_credentials_keep_at_least_the_doubling_distance(pauses):
    clock = Seconds()
    service = Service(clock, DENIED)
    circuit = CircuitReader(service, clock)
    for pause_s in pauses:
        with pytest.raises(BackendError):
            circuit.read(read())
        clock.wait(pause_s)
    gaps = [later - earlier for earlier, later in zip(service.called_s, service.called_s[1:], strict=False)]
    assert all(gap_s >= min(FIRST_PAUSE_S * 2**number, LONGEST_PAUSE_S) for number, gap_s in enumerate(gaps))


def test_sixteen_workers_that_meet_a_deleted_role_together_pause_it_for_five_seconds():
    clock, barrier = Seconds(), threading.Barrier(16)

    class Together(Service):
        def read(self, one):
            barrier.wait(5)
            return super().read(one)

    service = Together(clock, DENIED)
    circuit = CircuitReader(service, clock)

    def worker():
        with contextlib.suppress(BackendError):
            circuit.read(read())

    threads = [threading.Thread(target=worker) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(service.called_s) == 16
    assert circuit.open_stores() == 1
    clock.wait(FIRST_PAUSE_S)
    service.read = alone = Service(clock).read
    assert circuit.read(read()) == alone(read())
    assert circuit.open_stores() == 0


def test_memory_is_bounded_whatever_stores_come_and_go():
    clock = Seconds()
    circuit = CircuitReader(Service(clock, DENIED), clock)
    for number in range(5000):
        with pytest.raises(BackendError):
            circuit.read(read(version=str(number)))
    assert circuit.open_stores() <= 4096
