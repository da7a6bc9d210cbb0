"""Reads of many workers gather into calls: each is answered, none waits for company, nobody hangs."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.gathering import GatheringSource
from kubectl_asm.adapters.joining import JoiningSource
from kubectl_asm.model.backend import BackendError, ShutdownError, StaleClientError
from tests.unit.adapters.reading import Dated, answer, read, texts


class Gated:
    """Answers with the key; every call waits for the gate. most: calls at the same time."""

    def __init__(self):
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.calls, self.under_way, self.most = [], 0, 0
        self._lock = threading.Lock()

    def fetch_many(self, reads):
        with self._lock:
            self.calls.append(sorted(one.request.key for one in reads))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        self.entered.release()
        assert self.gate.wait(5)
        with self._lock:
            self.under_way -= 1
        return [answer(one.request.key) for one in reads]


def threads_of(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    return threads


def join(threads):
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)


def wait_for(is_so):
    until_s = time.perf_counter() + 5
    while not is_so():
        assert time.perf_counter() < until_s
        time.sleep(0.001)


def test_a_lone_worker_calls_at_once_with_what_it_wants():
    inner = Dated()
    assert texts(GatheringSource(inner).fetch_many([read("b"), read("a"), read("b")])) == ["b@0", "a@0", "b@0"]
    assert inner.calls == [["b", "a"]]


def test_clients_are_called_one_by_one_and_the_order_is_kept():
    inner = Dated()
    found = GatheringSource(inner).fetch_many([read("a"), read("b", client="other"), read("c")])
    assert texts(found) == ["a@0", "b@0", "c@0"]
    assert inner.calls == [["a", "c"], ["b"]]


def test_nothing_to_read_is_no_call():
    inner = Dated()
    assert GatheringSource(inner).fetch_many([]) == []
    assert inner.calls == []


def test_what_is_wanted_during_a_call_goes_together_into_the_next():
    inner = Gated()
    source = GatheringSource(inner, calls=1)
    answers = {}

    def worker(key):
        return lambda: answers.setdefault(key, texts(source.fetch_many([read(key)])))

    threads = threads_of(worker("first"))
    inner.entered.acquire(timeout=5)
    threads += threads_of(*(worker(key) for key in "abcdef"))
    (line,) = source._lines.values()
    wait_for(lambda: line.next is not None and len(line.next.reads) == 6)
    inner.gate.set()
    join(threads)
    assert inner.calls == [["first"], list("abcdef")]
    assert answers == {key: [key] for key in ("first", *"abcdef")}


def test_no_client_has_more_calls_under_way_than_allowed_and_another_client_does_not_wait_for_it():
    inner = Gated()
    source = GatheringSource(inner, calls=2)
    threads = []
    for key in "ab":
        threads += threads_of(lambda key=key: source.fetch_many([read(key)]))
        inner.entered.acquire(timeout=5)
    threads += threads_of(lambda: source.fetch_many([read("c")]), lambda: source.fetch_many([read("d")]))
    threads += threads_of(lambda: source.fetch_many([read("x", client="other")]))
    assert inner.entered.acquire(timeout=5), "the other client is called"
    assert not inner.entered.acquire(timeout=0.05)
    inner.gate.set()
    join(threads)
    assert ["x"] in inner.calls
    assert inner.most == 3


class OddError(Exception):
    """Cannot be copied: its arguments are not those of its making."""

    def __init__(self, one, two):
        super().__init__(f"{one}{two}")


@pytest.mark.parametrize("error", [StaleClientError(), ShutdownError(), RuntimeError("bug"), OddError(1, 2)])
def test_a_call_that_fails_fails_for_all_who_wait_and_the_next_one_works(error):
    class Breaking(Gated):
        def fetch_many(self, reads):
            found = super().fetch_many(reads)
            if len(self.calls) == 2:
                raise error
            return found

    inner, failed = Breaking(), []
    source = GatheringSource(inner, calls=1)

    def worker():
        with pytest.raises(type(error)) as raised:
            source.fetch_many([read("a")])
        failed.append(raised.value)

    threads = threads_of(lambda: source.fetch_many([read("first")]))
    inner.entered.acquire(timeout=5)
    threads += threads_of(worker, worker, worker)
    (line,) = source._lines.values()
    wait_for(lambda: line.next is not None)
    time.sleep(0.02)
    inner.gate.set()
    join(threads)
    assert len(failed) == 3
    assert texts(source.fetch_many([read("a")])) == ["a"]
    assert source._lines == {}


def test_each_worker_gets_an_error_object_of_its_own():
    failure = BackendError("no", status=403)
    source = GatheringSource(Dated(failures={"a": failure}))
    first, second = source.fetch_many([read("a"), read("a")])
    assert first is not second
    assert first.status == second.status == 403


def test_nothing_is_kept_of_a_client_that_nobody_asks():
    source = GatheringSource(Dated())
    for number in range(50):
        source.fetch_many([read("a", version=str(number))])
    assert source._lines == {}


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xy")), min_size=1, max_size=6), max_size=6))
@settings(max_examples=25, deadline=None)
def test_whoever_asks_for_what_together_everybody_gets_exactly_that(wanted):
    """Joining in front, as it is wired: then no key is under way twice."""

    class Overlapping(Dated):
        at_once, clashes = set(), []

        def fetch_many(self, reads):
            keys = {(one.client.name, one.request.key) for one in reads}
            with self._lock:
                self.clashes += self.at_once & keys
                self.at_once |= keys
            time.sleep(0.0005)
            with self._lock:
                self.at_once -= keys
            return [answer(f"{one.client.name}/{one.request.key}") for one in reads]

    inner = Overlapping()
    source, answers = JoiningSource(GatheringSource(inner), remembers=False), {}

    def worker(number, asked):
        reads = [read(key, client=client) for key, client in asked]
        return lambda: answers.setdefault(number, texts(source.fetch_many(reads)))

    join(threads_of(*(worker(number, asked) for number, asked in enumerate(wanted))))
    assert answers == {number: [f"{client}/{key}" for key, client in asked] for number, asked in enumerate(wanted)}
    assert inner.clashes == []


def test_without_memory_only_reads_under_way_are_joined():
    inner = Dated()
    source = JoiningSource(inner, remembers=False)
    source.fetch_many([read("a"), read("a")])
    source.fetch_many([read("a")])
    assert inner.calls == [["a"], ["a"]]
    assert source._known == {}
    assert source._flights == {}
