"""The loop of a watch: whatever the server does, nothing is busy, nothing is deaf, and a list follows what expired."""

import contextlib
import itertools
import logging
import threading

import pytest

from kubectl_asm.adapters.kube.collection import Event, ExpiredError, GarbledError, Listed
from kubectl_asm.adapters.kube.errors import UNKNOWN_KIND
from kubectl_asm.adapters.kube.watch import BackOff, Reflector, Timing
from kubectl_asm.errors import AccessError, ClusterError, UnavailableError
from tests.harness.world import SeededRandom
from tests.unit.adapters.reading import Seconds


class Copies:
    """Keeps what it is told."""

    def __init__(self):
        self.lists, self.events = [], []

    def replace(self, _namespace, listed):
        self.lists.append(listed.version)

    def take(self, event):
        self.events.append(event.version)


class Collection:
    """A server of scripts: lists and watches are answered by what the test says. lives_s: how long a watch takes."""

    namespace = ""

    def __init__(self, clock):
        self.clock = clock
        self.list_error = self.open_error = self.watch_error = None
        self.events_of_watch, self.lives_s = [], 0.0
        self.listed_s, self.opened = [], []

    def __str__(self):
        return "externalsecrets"

    def list(self):
        self.listed_s.append(self.clock.monotonic())
        if self.list_error is not None:
            raise self.list_error
        return Listed(f"list{len(self.listed_s)}")

    @contextlib.contextmanager
    def open(self, version, *, timeout_s, silence_s):
        assert 300 <= timeout_s <= 600
        assert silence_s == 90.0
        self.opened.append((self.clock.monotonic(), version))
        if self.open_error is not None:
            raise self.open_error
        yield object()

    def events(self, _stream):
        yield from self.events_of_watch
        self.clock.wait(self.lives_s)
        if self.watch_error is not None:
            raise self.watch_error


class Bench:
    def __init__(self, **timing):
        self.clock = Seconds()
        self.server = Collection(self.clock)
        self.copies = Copies()
        self.reflector = Reflector(
            self.server, self.copies, clock=self.clock, random=SeededRandom(), timing=Timing(**timing) if timing else None
        )

    def attempts_in(self, seconds):
        """How many attempts fall into a time."""
        end_s, count = self.clock.now_s + seconds, 0
        while self.clock.now_s < end_s:
            assert self.reflector.step()
            count += 1
            assert count < 10_000
        return count


@pytest.mark.parametrize("events", [[], [Event("bookmark", "7")]], ids=["empty", "with-an-event"])
def test_watches_that_end_at_once_are_made_ever_more_seldom(events):
    bench = Bench()
    bench.server.events_of_watch = events
    assert bench.attempts_in(60) <= 9
    assert bench.attempts_in(600) <= 27
    assert len(bench.server.listed_s) == 1, "a watch that ends well needs no new list"


def test_a_watch_that_lived_is_followed_by_the_next_at_once_and_from_where_it_ended():
    bench = Bench()
    bench.server.lives_s = 300.0
    bench.server.events_of_watch = [Event("bookmark", "7")]
    for _ in range(3):
        bench.reflector.step()
    assert [version for _, version in bench.server.opened] == ["list1", "7", "7"]
    starts = [start_s for start_s, _ in bench.server.opened]
    assert all(300 <= later - earlier <= 300.5 for earlier, later in itertools.pairwise(starts))


@pytest.mark.parametrize("where", ["open_error", "watch_error"])
def test_an_expired_version_is_followed_by_a_list_with_back_off(where):
    bench = Bench()
    setattr(bench.server, where, ExpiredError("too old", status=410))
    assert bench.attempts_in(120) <= 12
    assert len(bench.server.listed_s) == len(bench.server.opened)
    gaps = [later - earlier for earlier, later in zip(bench.server.listed_s, bench.server.listed_s[1:], strict=False)]
    assert gaps[0] >= 0.4
    assert gaps[-1] >= 0.8 * 16


@pytest.mark.parametrize("error", [UnavailableError("no answer"), ClusterError("broken", status=500), RuntimeError("bug")])
def test_a_list_that_fails_is_repeated_with_back_off(error, caplog):
    bench = Bench()
    bench.server.list_error = error
    assert bench.attempts_in(600) <= 27
    assert not bench.reflector.is_synced
    bench.server.list_error = None
    bench.server.lives_s = 300.0
    bench.reflector.step()
    assert bench.reflector.is_synced
    assert bench.reflector.problem is None


def test_a_bug_is_told_without_the_text_of_the_exception_in_the_problem():
    bench = Bench()
    bench.server.watch_error = RuntimeError("hunter2")
    logging.disable(logging.CRITICAL)
    try:
        bench.reflector.step()
    finally:
        logging.disable(logging.NOTSET)
    assert "RuntimeError" in bench.reflector.problem.message
    assert "hunter2" not in bench.reflector.problem.message


def test_what_is_forbidden_is_asked_once_a_minute_and_said_once(caplog):
    bench = Bench()
    bench.server.list_error = AccessError("forbidden", status=403)
    with caplog.at_level(logging.WARNING):
        assert bench.attempts_in(600) <= 13
    assert len(caplog.records) == 1
    assert bench.reflector.is_refused


def test_a_kind_that_is_not_served_is_complete_and_empty_and_asked_for_once_a_minute():
    bench = Bench()
    bench.server.list_error = ClusterError("no such kind", status=404, reason=UNKNOWN_KIND)
    assert bench.attempts_in(600) <= 13
    assert bench.reflector.is_synced
    assert bench.reflector.is_unserved


REFUSALS = [AccessError("forbidden", status=403), ClusterError("no such kind", status=404, reason=UNKNOWN_KIND)]


@pytest.mark.parametrize("error", REFUSALS, ids=["forbidden", "unknown"])
def test_a_server_that_starts_and_refuses_what_it_served_before_is_asked_again_soon_and_nothing_is_forgotten(error):
    bench = Bench()
    bench.reflector.step()
    bench.server.open_error = bench.server.list_error = error
    assert 4 <= bench.attempts_in(20) <= 8
    assert bench.reflector.problem is error
    bench.server.open_error = bench.server.list_error = None
    bench.reflector.step()
    assert bench.reflector.problem is None
    assert bench.clock.now_s < 120
    assert "" not in bench.copies.lists


@pytest.mark.parametrize("error", REFUSALS, ids=["forbidden", "unknown"])
def test_a_refusal_that_lasts_is_believed_after_a_minute(error):
    bench = Bench()
    bench.reflector.step()
    bench.server.open_error = bench.server.list_error = error
    bench.attempts_in(120)
    assert bench.attempts_in(600) <= 11
    assert bench.reflector.is_refused or bench.reflector.is_unserved


@pytest.mark.parametrize("error", [GarbledError("no event"), ClusterError("odd", status=500)])
def test_three_failed_watches_that_may_be_the_versions_fault_bring_a_new_list(error):
    bench = Bench()
    bench.server.watch_error = error
    for _ in range(7):
        bench.reflector.step()
    assert len(bench.server.listed_s) == 3


def test_a_server_that_asks_for_patience_gets_it_within_reason():
    back_off = BackOff(SeededRandom(), Timing())
    assert back_off.after(0.0, failed=True, stated_s=100.0) == 100.0
    assert back_off.after(0.0, failed=True, stated_s=1e9) == 300.0


def test_waits_grow_to_thirty_seconds_and_a_watch_that_lived_resets_them():
    back_off = BackOff(SeededRandom(), Timing())
    waits = [back_off.after(0.0, failed=True) for _ in range(12)]
    assert waits[0] <= 0.6
    assert all(24.0 <= wait_s <= 36.0 for wait_s in waits[7:])
    assert back_off.after(60.0, failed=True) <= 0.6


def test_an_old_list_is_made_anew():
    bench = Bench(relist=1000.0)
    bench.server.lives_s = 400.0
    for _ in range(5):
        bench.reflector.step()
    assert len(bench.server.listed_s) == 2


def test_stop_ends_a_watch_that_waits_for_events():
    opened, cut = threading.Event(), threading.Event()

    class Stream:
        def interrupt(self):
            cut.set()

    class Waiting(Collection):
        @contextlib.contextmanager
        def open(self, version, *, timeout_s, silence_s):
            yield Stream()

        def events(self, _stream):
            opened.set()
            assert cut.wait(5)
            yield from ()

    clock = Seconds()
    reflector = Reflector(Waiting(clock), Copies(), clock=clock, random=SeededRandom())
    thread = threading.Thread(target=reflector.run)
    thread.start()
    assert opened.wait(5)
    reflector.stop()
    thread.join(2)
    assert not thread.is_alive()
