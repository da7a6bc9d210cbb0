"""Events: once an hour, at a rate, never a reason for a round to wait or fail, and never a thread that hangs."""

import logging
import threading
from datetime import UTC, datetime

import pytest

from kubectl_asm.adapters.kube.events import BURST, NORMAL, WARNING, Event, EventSender
from kubectl_asm.errors import AccessError, UnavailableError
from tests.harness.world import SeededRandom
from tests.unit.adapters.reading import Seconds
from tests.unit.engine.worlds import cluster_store, external, obj

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Server:
    """Takes Events. error: raised instead."""

    def __init__(self):
        self.error = None
        self.posted = []

    def write(self, method, path, _asked, body):
        assert method == "POST"
        if self.error is not None:
            raise self.error
        self.posted.append((path, body))


class Bench:
    def __init__(self):
        self.clock, self.server, self.dropped = Seconds(), Server(), []
        self.sender = EventSender(
            self.server,
            self.clock,
            SeededRandom(),
            lambda: NOW,
            component="kubectl-asm",
            instance="pod-1",
            on_dropped=lambda: self.dropped.append(1),
        )

    def send(self, message="failed", about=None, kind=WARNING):
        self.sender.send(Event(about or external(namespace="shop"), kind, "ReadFailed", message))

    def deliver(self):
        """Let the thread's body work off what waits."""
        self.sender._waiting.put(None)
        self.sender.run()
        found, self.server.posted = self.server.posted, []
        return found


def test_an_event_names_the_object_and_lies_in_its_namespace():
    bench = Bench()
    bench.send("a failed", kind=NORMAL)
    ((path, body),) = bench.deliver()
    assert path == "/api/v1/namespaces/shop/events"
    assert body["involvedObject"]["kind"] == "ExternalSecret"
    assert body["involvedObject"]["name"] == "demo"
    assert (body["type"], body["reason"], body["message"]) == ("Normal", "ReadFailed", "a failed")
    assert body["firstTimestamp"] == "2026-03-01T12:00:00Z"
    assert body["reportingInstance"] == "pod-1"


def test_events_of_cluster_scoped_objects_lie_in_default():
    bench = Bench()
    bench.send(about=cluster_store())
    ((path, body),) = bench.deliver()
    assert path == "/api/v1/namespaces/default/events"
    assert body["involvedObject"]["namespace"] == ""


@pytest.mark.parametrize("name", ["x" * 199 + "-" + "y" * 20, "x" * 198 + ".-" + "y" * 20])
def test_the_name_of_an_event_is_valid_where_a_long_name_is_cut(name):
    bench = Bench()
    bench.send(about=obj("ExternalSecret", name, "shop", spec={}))
    ((_, body),) = bench.deliver()
    assert "-." not in body["metadata"]["name"]
    assert ".." not in body["metadata"]["name"]
    assert len(body["metadata"]["name"]) <= 253


def test_the_same_sentence_is_sent_once_an_hour():
    bench = Bench()
    for _ in range(3):
        bench.send()
    bench.send("another")
    assert len(bench.deliver()) == 2
    bench.clock.wait(3599)
    bench.send()
    assert bench.deliver() == []
    bench.clock.wait(1)
    bench.send()
    assert len(bench.deliver()) == 1


def test_too_many_are_dropped_and_counted_and_may_be_said_again():
    bench = Bench()
    for number in range(510):
        bench.send(f"message {number}")
    assert len(bench.dropped) == 10
    bench.sender._waiting.get_nowait()  # room for the end
    bench.deliver()
    bench.send("message 509")
    bench.send("message 5")
    assert [body["message"] for _, body in bench.deliver()] == ["message 509"]


def test_after_a_burst_events_are_sent_at_a_rate():
    bench = Bench()
    for number in range(int(BURST) + 20):
        bench.send(f"message {number}")
    assert len(bench.deliver()) == int(BURST) + 20
    assert bench.clock.now_s == pytest.approx(2.0)


def test_an_event_that_was_lost_may_be_sent_when_it_is_said_again():
    bench = Bench()
    bench.server.error = UnavailableError("no answer")
    bench.send()
    bench.deliver()
    bench.server.error = None
    bench.send()
    assert len(bench.deliver()) == 1


def test_where_events_may_not_be_created_none_are_sent_and_elsewhere_they_are(caplog):
    bench = Bench()
    with caplog.at_level(logging.INFO):
        bench.server.error = AccessError("forbidden", status=403)
        for about in (cluster_store(), cluster_store("other")):
            bench.send(about=about)
        bench.deliver()
        bench.server.error = None
        bench.send("again", about=cluster_store())
        bench.send("here", about=external(namespace="shop"))
        ((path, _),) = bench.deliver()
    assert path == "/api/v1/namespaces/shop/events"
    assert len(caplog.records) == 1


def test_a_namespace_that_terminates_forbids_nothing():
    bench = Bench()
    bench.server.error = AccessError('namespace "shop" is forbidden because it is being terminated', status=403)
    bench.send()
    bench.deliver()
    bench.server.error = None
    bench.send("later")
    assert len(bench.deliver()) == 1


def test_a_bug_with_one_event_keeps_no_other_from_being_sent(caplog):
    bench = Bench()
    writing, seen = bench.server.write, []

    def once_broken(*arguments):
        if not seen:
            seen.append(1)
            raise RuntimeError("bug")
        writing(*arguments)

    bench.server.write = once_broken
    bench.send("one")
    bench.send("two")
    assert [body["message"] for _, body in bench.deliver()] == ["two"]


@pytest.mark.parametrize("waiting", [0, 3, 500])
def test_close_ends_the_thread_at_once_however_much_waits(waiting):
    bench = Bench()
    for number in range(waiting):
        bench.send(f"message {number}")
    bench.sender.close()
    bench.send("after the end")
    thread = threading.Thread(target=bench.sender.run)
    thread.start()
    thread.join(2)
    assert not thread.is_alive()
    assert bench.server.posted == []


def test_close_wakes_a_sender_that_waits_for_something_to_send():
    bench = Bench()
    thread = threading.Thread(target=bench.sender.run)
    thread.start()
    bench.sender.close()
    thread.join(2)
    assert not thread.is_alive()
