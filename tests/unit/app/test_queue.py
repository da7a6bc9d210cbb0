"""The work queue: nothing twice at once, nothing lost, nobody starved, and no waiting in circles."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kubectl_asm.adapters.system import SystemClock
from kubectl_asm.app.queue import Priority, WorkQueue
from kubectl_asm.model.objects import ObjectRef
from tests.harness.world import FakeClock


def ref(name):
    return ObjectRef("ExternalSecret", "shop", str(name))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def queue(clock):
    return WorkQueue(clock)


def names(queue):
    """Everything that is due, in the order in which it is handed out; all of it is done at once."""
    found = []
    while (item := queue.take_due()) is not None:
        found.append(item.key.name)
        queue.done(item.key)
    return found


def test_changes_go_before_new_objects_and_those_before_refreshes(queue):
    for name, priority in (("r", Priority.REFRESH), ("n", Priority.NEW), ("c", Priority.CHANGE)):
        queue.add(ref(name), priority)
    assert names(queue) == ["c", "n", "r"]


def test_what_is_asked_for_twice_is_handed_out_once(queue):
    queue.add(ref("a"))
    queue.add(ref("a"), Priority.REFRESH)
    assert names(queue) == ["a"]


def test_a_better_priority_moves_work_up_and_its_wait_is_counted_from_the_beginning(queue, clock):
    queue.add(ref("a"), Priority.REFRESH)
    clock.wait(3)
    queue.add(ref("b"), Priority.NEW)
    queue.add(ref("a"), Priority.CHANGE)
    first = queue.take_due()
    assert (first.key, first.priority, first.waited_s) == (ref("a"), Priority.CHANGE, 3.0)


def test_a_key_that_a_worker_has_is_handed_out_again_only_when_that_is_done(queue):
    queue.add(ref("a"))
    queue.take_due()
    queue.add(ref("a"), Priority.REFRESH)
    queue.add(ref("a"), Priority.NEW)
    assert queue.take_due() is None
    queue.done(ref("a"))
    assert queue.take_due().priority is Priority.NEW


def test_a_timer_is_replaced_by_the_next_one_also_by_a_later_one(queue, clock):
    queue.add_after(ref("a"), 10)
    queue.add_after(ref("a"), 20)
    clock.wait(19)
    assert queue.take_due() is None
    clock.wait(1)
    assert names(queue) == ["a"]
    clock.wait(100)
    assert queue.take_due() is None


def test_work_replaces_the_planned_run(queue, clock):
    queue.add_after(ref("a"), 10)
    queue.add(ref("a"))
    assert names(queue) == ["a"]
    clock.wait(60)
    assert queue.take_due() is None
    assert queue.planned() == 0


def test_a_bound_on_the_next_run_keeps_an_earlier_timer_and_brings_a_later_one_forward(queue, clock):
    queue.add_after(ref("early"), 5)
    queue.add_after(ref("late"), 500)
    for name in ("early", "late", "none"):
        queue.add_within(ref(name), 60)
    clock.wait(5)
    assert names(queue) == ["early"]
    clock.wait(55)
    assert names(queue) == ["late", "none"]


@pytest.mark.parametrize("planned_s", [3600, None], ids=["and-plans-late", "and-plans-nothing"])
def test_a_bound_on_the_next_run_holds_for_what_a_worker_plans_meanwhile(queue, clock, planned_s):
    queue.add(ref("a"))
    queue.take_due()
    queue.add_within(ref("a"), 60)
    if planned_s is not None:
        queue.add_after(ref("a"), planned_s)
    queue.done(ref("a"))
    clock.wait(60)
    assert names(queue) == ["a"]


def test_a_key_that_is_gone_has_no_timer_and_leaves_nothing_behind(queue, clock):
    queue.add_after(ref("a"), 10)
    queue.forget(ref("a"))
    clock.wait(20)
    assert queue.take_due() is None
    assert queue.until_next_s() is None


def test_a_worker_that_has_a_key_when_it_goes_is_given_it_once_more(queue):
    """So that what its round noted after the end is cleaned up by a round that finds nothing."""
    queue.add(ref("a"))
    queue.take_due()
    queue.forget(ref("a"))
    queue.add_after(ref("a"), 3600)
    queue.done(ref("a"))
    assert names(queue) == ["a"]
    assert queue.planned() == 0


def test_dropped_work_is_not_handed_out_though_a_worker_has_it(queue, clock):
    for name in "abcd":
        queue.add(ref(name))
    queue.take_due()
    queue.add(ref("a"))
    queue.add_within(ref("a"), 5)
    queue.add_after(ref("b"), 5)
    queue.drop(lambda key: key.name in "ab")
    queue.done(ref("a"))
    clock.wait(10)
    assert names(queue) == ["c", "d"]


@pytest.mark.parametrize("starved", [Priority.NEW, Priority.REFRESH])
def test_a_stream_of_others_starves_nobody(queue, starved):
    """Whatever else waits: of 16 hand-outs one is a refresh and one is new."""
    queue.add(ref("starved"), starved)
    for number in range(1000):
        for priority in Priority:
            if priority is not starved:
                queue.add(ref(f"{priority.name}{number}"), priority)
        item = queue.take_due()
        queue.done(item.key)
        if item.key == ref("starved"):
            assert number < 16
            return
    raise AssertionError("never came")


def test_looking_into_an_empty_queue_is_no_hand_out(queue):
    for _ in range(15):
        assert queue.take_due() is None
    queue.add(ref("r"), Priority.REFRESH)
    queue.add(ref("c"), Priority.CHANGE)
    assert names(queue) == ["c", "r"]


def test_replaced_timers_do_not_pile_up(queue):
    for _ in range(10_000):
        queue.add_after(ref("a"), 24 * 3600)
    assert len(queue._heap) < 1000
    assert queue.planned() == 1
    assert queue.until_next_s() == 24 * 3600


def test_depth_and_work_under_way_are_told_by_priority_and_by_shard(queue):
    queue.add(ref("a"))
    queue.add(ref("b"), Priority.REFRESH)
    queue.take_due()
    assert queue.depth() == {Priority.CHANGE: 0, Priority.NEW: 0, Priority.REFRESH: 1}
    assert queue.working(lambda _key: 7) == {7: 1}


def test_a_closed_queue_hands_out_nothing_and_does_not_wait(queue):
    queue.add(ref("a"))
    queue.close()
    assert queue.is_closed
    assert queue.take(longest_s=60) is None
    assert queue.take_due() is None


# -- any sequence of calls


class AnySequence(RuleBasedStateMachine):
    """The queue against a plain model: who is due, who has a timer, who is worked on. Timers ripen when work is taken."""

    keys = st.sampled_from([ref(number) for number in range(4)])
    priorities = st.sampled_from(Priority)

    def __init__(self):
        super().__init__()
        self.clock = FakeClock()
        self.queue = WorkQueue(self.clock)
        self.due, self.again, self.working, self.timers = {}, {}, set(), {}

    def want(self, key, priority):
        place = self.again if key in self.working else self.due
        place[key] = min(priority, place.get(key, priority))

    def ripen(self):
        for key, (due_s, priority) in list(self.timers.items()):
            if due_s <= self.clock.monotonic():
                del self.timers[key]
                self.want(key, priority)

    @rule(key=keys, priority=priorities)
    def add(self, key, priority):
        self.queue.add(key, priority)
        self.want(key, priority)

    @rule(key=keys, priority=priorities, delay_s=st.integers(0, 9))
    def add_after(self, key, priority, delay_s):
        self.queue.add_after(key, delay_s, priority)
        self.timers[key] = (self.clock.monotonic() + delay_s, priority)

    @rule(seconds=st.integers(1, 9))
    def pass_time(self, seconds):
        self.clock.wait(seconds)

    @rule()
    def take(self):
        self.ripen()
        item = self.queue.take_due()
        if item is None:
            assert not self.due
            return
        assert item.key not in self.working, "nobody works on an object twice at once"
        assert self.due.pop(item.key) == item.priority
        self.timers.pop(item.key, None)
        self.working.add(item.key)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def done(self, data):
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.queue.done(key)
        self.working.discard(key)
        if key in self.again:
            self.want(key, self.again.pop(key))

    @invariant()
    def nothing_that_is_due_waits_for_a_timer(self):
        if self.due:
            assert self.queue.until_next_s() == 0.0

    def teardown(self):
        """Whatever was asked for comes, once everything is done and all time has passed."""
        self.clock.wait(100)
        self.ripen()
        wanted = {*self.due, *self.again}
        for key in list(self.working):
            self.queue.done(key)
        assert {ref(name) for name in names(self.queue)} == wanted


AnySequence.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnySequence = AnySequence.TestCase


@given(st.lists(st.tuples(st.sampled_from(Priority), st.booleans()), max_size=60))
@settings(max_examples=50, deadline=None)
def test_within_a_priority_the_first_that_asked_comes_first(asked):
    queue = WorkQueue(FakeClock())
    for number, (priority, _) in enumerate(asked):
        queue.add(ref(f"{number:03}"), priority)
    by_priority = {priority: [] for priority in Priority}
    while (item := queue.take_due()) is not None:
        by_priority[item.priority].append(item.key.name)
    assert all(found == sorted(found) for found in by_priority.values())
    assert sum(map(len, by_priority.values())) == len(asked)


# -- threads


def test_many_workers_never_have_the_same_key_and_lose_no_request():
    queue, lock = WorkQueue(SystemClock()), threading.Lock()
    at_work, clashes, served = set(), [], dict.fromkeys(range(20), 0)
    asked = dict.fromkeys(range(20), 0)
    seen = dict.fromkeys(range(20), 0)

    def work():
        while not queue.is_closed:
            item = queue.take(longest_s=0.05)
            if item is None:
                continue
            number = int(item.key.name)
            with lock:
                if number in at_work:
                    clashes.append(number)
                at_work.add(number)
                seen[number] = asked[number]  # what a round that begins now sees
            time.sleep(0)
            with lock:
                at_work.discard(number)
                served[number] += 1
            queue.done(item.key)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for count in range(1500):
        number = count * 7 % 20
        with lock:
            asked[number] += 1
        queue.add(ref(number))
    until_s = time.perf_counter() + 5
    while time.perf_counter() < until_s and (queue.until_next_s() is not None or queue.working(lambda _key: 0)):
        time.sleep(0.005)
    queue.close()
    for worker in workers:
        worker.join(5)
    assert clashes == []
    assert seen == asked, "every request was seen by a round that began after it"
    assert all(served.values())


def test_a_busy_worker_does_not_make_the_next_timer_late():
    """Two timers: one worker wakes for the first, and another for the second although nobody added anything."""
    queue, taken = WorkQueue(SystemClock()), {}
    started_s = time.perf_counter()

    def work():
        while (item := queue.take(longest_s=5)) is None:
            pass
        taken[item.key.name] = time.perf_counter() - started_s
        time.sleep(0.5)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    time.sleep(0.05)
    queue.add_after(ref("first"), 0.05)
    queue.add_after(ref("second"), 0.1)
    for worker in workers:
        worker.join(5)
    assert set(taken) == {"first", "second"}
    assert taken["second"] < 0.4


def test_closing_wakes_every_worker():
    queue = WorkQueue(SystemClock())
    workers = [threading.Thread(target=lambda: queue.take(longest_s=60)) for _ in range(4)]
    for worker in workers:
        worker.start()
    queue.close()
    for worker in workers:
        worker.join(5)
    assert not any(worker.is_alive() for worker in workers)


def test_waiting_for_a_timer_costs_no_turns():
    """A worker sleeps until the timer; it does not look again and again."""

    class Counting(SystemClock):
        looks = 0

        def monotonic(self):
            Counting.looks += 1
            return super().monotonic()

    queue = WorkQueue(Counting())
    queue.add_after(ref("a"), 0.2)
    Counting.looks = 0
    while (item := queue.take()) is None:
        pass
    assert item.key == ref("a")
    assert Counting.looks < 50
