"""Writes end with the tenure under which their work began."""

from __future__ import annotations

import threading

import pytest

from kubectl_asm.adapters.fencing import Fence, FencedWriter
from kubectl_asm.adapters.kube.fenced import FencedClient
from kubectl_asm.adapters.kube.paced import ApiPace, PacedClient
from kubectl_asm.app.tenure import Tenure
from kubectl_asm.errors import ClusterError, LeaseLostError
from kubectl_asm.model.objects import Meta, Secret


class Clock:
    """Simulated time that waits move."""

    def __init__(self):
        self.now_s = 0.0

    def monotonic(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds
        return True


class Recorder:
    """Takes every write and request."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, verb):
        def call(*_args, **_options):
            self.calls.append(verb)

        return call

    def request(self, method, url, headers=None, body=None, *, _request_timeout=None):
        self.calls.append(method)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def fence():
    return Fence()


SECRET = Secret(metadata=Meta(name="db", namespace="shop"))
WRITES = {
    "create": lambda writer: writer.create(SECRET),
    "update": lambda writer: writer.update(SECRET),
    "delete": lambda writer: writer.delete(SECRET),
    "set_finalizers": lambda writer: writer.set_finalizers(SECRET, ()),
    "set_status": lambda writer: writer.set_status(SECRET, None),
    "apply": lambda writer: writer.apply(SECRET, force=True),
}


@pytest.mark.parametrize("verb", WRITES)
def test_a_write_goes_through_until_the_deadline_and_not_from_then_on(clock, fence, verb):
    inner = Recorder()
    writer = FencedWriter(inner, fence)
    with fence.under(Tenure(clock, 10.0)):
        clock.now_s = 9.99
        WRITES[verb](writer)
        clock.now_s = 10.0
        with pytest.raises(LeaseLostError, match="Secret shop/db was not written") as caught:
            WRITES[verb](writer)
    assert inner.calls == [verb]
    assert isinstance(caught.value, ClusterError)
    assert caught.value.hint


def test_a_renewal_extends_the_time_of_work_that_has_begun(clock, fence):
    inner, tenure = Recorder(), Tenure(clock, 10.0)
    with fence.under(tenure):
        assert tenure.extend(20.0)
        clock.now_s = 15.0
        FencedWriter(inner, fence).update(SECRET)
    assert inner.calls == ["update"]


def test_a_renewal_that_comes_too_late_revives_nothing(clock, fence):
    tenure = Tenure(clock, 10.0)
    clock.now_s = 10.0
    assert not tenure.extend(20.0)
    assert not tenure.holds()
    assert not tenure.extend(30.0)


def test_a_renewal_whose_answer_took_too_long_ends_the_tenure(clock):
    tenure = Tenure(clock, 30.0)
    clock.now_s = 20.0
    assert not tenure.extend(19.0)
    assert not tenure.holds()


def test_a_closed_tenure_lets_begun_work_write_and_no_other_begin(clock, fence):
    inner, tenure = Recorder(), Tenure(clock, 10.0)
    tenure.close()
    assert not tenure.accepts()
    assert not tenure.is_open
    with fence.under(tenure):
        FencedWriter(inner, fence).update(SECRET)
    assert inner.calls == ["update"]


def test_a_thread_that_works_under_no_tenure_writes_nothing(clock, fence):
    writer, refused = FencedWriter(Recorder(), fence), []

    def write():
        try:
            writer.update(SECRET)
        except LeaseLostError as error:
            refused.append(error)

    with fence.under(Tenure(clock, 10.0)):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(refused) == 1
    write()
    assert len(refused) == 2


def test_tenures_nest_and_end_with_their_block(clock, fence):
    writer = FencedWriter(Recorder(), fence)
    with fence.under(Tenure(clock, 10.0)):
        with fence.under(None), pytest.raises(LeaseLostError):
            writer.update(SECRET)
        writer.update(SECRET)
    with pytest.raises(LeaseLostError):
        writer.update(SECRET)


def test_a_request_that_waited_for_its_turn_past_the_deadline_is_not_sent(clock, fence):
    inner = Recorder()
    client = PacedClient(FencedClient(inner, fence.check_request), ApiPace(clock, 0.1, 1))
    with fence.under(Tenure(clock, 5.0)):
        client.request("PUT", "/first")
        with pytest.raises(LeaseLostError, match="was not sent"):
            client.request("PUT", "/second")
    assert clock.now_s == 10.0
    assert inner.calls == ["PUT"]


def test_reads_and_threads_without_a_tenure_are_not_held_up_by_the_client(clock, fence):
    inner = Recorder()
    client = FencedClient(inner, fence.check_request)
    client.request("POST", "/api/v1/namespaces/shop/events")
    with fence.under(Tenure(clock, 0.0)):
        client.request("GET", "/api/v1/secrets")
    assert inner.calls == ["POST", "GET"]
