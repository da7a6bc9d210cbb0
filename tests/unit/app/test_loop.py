"""Outcomes become the next run: intervals spread, failures back off, defects are said without values, nothing spins."""

import logging
import threading
import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.system import SystemClock, SystemRandom
from kubectl_asm.app.loop import Loop, Pace
from kubectl_asm.app.queue import Priority, WorkQueue
from kubectl_asm.engine.decide import ROUND_DROPPED_DELAY, round_outcome
from kubectl_asm.engine.plan import Done, Retry, RetryAfter
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretSpec
from kubectl_asm.model.objects import ObjectRef
from kubectl_asm.model.settings import Settings
from tests.harness.world import SeededRandom

KEY = ObjectRef("ExternalSecret", "shop", "db")


class Seconds:
    """A clock of exact numbers: what is planned for an instant is due at that instant."""

    def __init__(self):
        self.now_s = 0.0

    def monotonic(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds
        return True

    def wait_until(self, instant_s):
        self.now_s = max(self.now_s, instant_s)


class Bench:
    """A loop whose work answers what a test says, on a clock that a test moves."""

    def __init__(self, outcome=None, **options):
        self.clock = Seconds()
        self.queue = WorkQueue(self.clock)
        self.outcome = outcome or Done(None)
        self.began_s = []
        self.loop = Loop(self.queue, {KEY.kind: self.work}, SeededRandom(), **options)

    def work(self, item):
        self.began_s.append(self.clock.monotonic())
        outcome = self.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def run(self, priority=Priority.CHANGE):
        self.queue.add(KEY, priority)
        assert self.loop.step()
        return self.queue.until_next_s()

    def pass_time(self, seconds):
        """Let time pass as it is planned, and work."""
        end_s = self.clock.monotonic() + seconds
        while True:
            while self.loop.step():
                pass
            next_s = self.queue.until_next_s()
            if next_s is None or self.clock.monotonic() + next_s > end_s:
                self.clock.wait_until(end_s)
                return
            self.clock.wait(next_s + 1e-6)


def every(seconds):
    return Done(timedelta(seconds=seconds))


# -- intervals


def test_a_refresh_comes_up_to_a_tenth_early_and_never_late():
    delays = {Bench(every(120)).loop.pace.refresh_s(120, SystemRandom()) for _ in range(200)}
    assert all(108 <= delay <= 120 for delay in delays)
    assert max(delays) - min(delays) > 5


def test_a_round_that_names_no_interval_is_never_repeated_by_time():
    assert Bench(Done(None)).run() is None


@pytest.mark.parametrize("outcome", [every(0), every(-5), RetryAfter(timedelta(0)), RetryAfter(timedelta(seconds=-1))])
def test_no_delay_of_zero_spins(outcome):
    bench = Bench(outcome)
    bench.run()
    bench.pass_time(60)
    assert 2 <= len(bench.began_s) <= 62


def test_a_dropped_round_is_repeated_after_its_delay_as_something_new():
    bench = Bench(RetryAfter(timedelta(seconds=2)))
    assert bench.run() == 2.0
    bench.clock.wait(2)
    assert bench.queue.take_due().priority is Priority.NEW


# -- failures


def test_failures_back_off_from_a_second_to_five_minutes_and_stay_there():
    bench = Bench(Retry("refused"))
    waits = [bench.run() for _ in range(40)]
    for number, wait_s in enumerate(waits):
        base_s = min(2.0**number, 300.0)
        assert 0.8 * base_s <= wait_s <= 1.2 * base_s


def test_a_success_ends_the_back_off():
    bench = Bench(Retry("refused"))
    for _ in range(8):
        bench.run()
    bench.outcome = Done(None)
    bench.run()
    bench.outcome = Retry("refused")
    assert bench.run() <= 1.2


@pytest.mark.parametrize("interval_s", [1, 10, 120, 3600])
def test_a_failing_object_settles_below_the_pace_of_a_healthy_one_or_at_five_minutes(interval_s):
    """Eight quick attempts in the first minutes, then at most one each 240 s; what they read of the cloud is shared."""
    failing, healthy = Bench(Retry("refused")), Bench(every(interval_s))
    for bench in (failing, healthy):
        bench.run()
        bench.pass_time(1000)
        bench.began_s.clear()
        bench.pass_time(6 * 3600)
    assert len(failing.began_s) <= max(len(healthy.began_s), 6 * 3600 / 240)


def test_failing_objects_are_counted_until_they_work_or_are_gone():
    bench = Bench(Retry("refused"))
    bench.run()
    bench.run()
    assert bench.loop.failing() == 1
    bench.outcome = Done(None)  # what work answers for an object that does not exist
    bench.run()
    assert bench.loop.failing() == 0


@pytest.mark.parametrize("forget", [lambda loop: loop.forget(KEY), lambda loop: loop.forget_where(lambda key: key == KEY)])
def test_a_forgotten_object_starts_anew(forget):
    bench = Bench(Retry("refused"))
    for _ in range(9):
        bench.run()
    forget(bench.loop)
    assert bench.loop.failing() == 0
    assert bench.run() <= 1.2


def test_whoever_asks_is_told_of_every_failed_round_and_everything_taken():
    taken, retried = [], []
    bench = Bench(Retry("refused"), on_taken=taken.append, on_retry=retried.append)
    bench.run()
    bench.outcome = every(60)
    bench.run()
    assert [item.key for item in taken] == [KEY, KEY]
    assert retried == [KEY]


# -- polling


def test_without_polling_only_the_timed_refresh_is_missing():
    external = ExternalSecret(spec=ExternalSecretSpec(rotation_interval="10s"))
    assert round_outcome(external, Settings()) == every(10)
    assert round_outcome(external, Settings(disable_polling=True)) == Done(None)
    assert Bench(Retry("refused")).run() is not None
    assert Bench(RetryAfter(ROUND_DROPPED_DELAY)).run() == 2.0


# -- defects


@pytest.mark.parametrize("chained", [False, True])
def test_a_defect_is_logged_with_its_place_and_without_the_text_of_the_exception(caplog, chained):
    value = "hunter2"

    def broken(_item):
        try:
            raise KeyError(value)
        except KeyError as error:
            if chained:
                raise ValueError(f"{value} is bad") from error
            raise

    bench = Bench()
    bench.loop = Loop(bench.queue, {KEY.kind: broken}, SeededRandom())
    with caplog.at_level(logging.DEBUG):
        bench.run()
    (record,) = caplog.records
    assert "hunter2" not in record.getMessage()
    assert record.exc_info is None
    assert "in broken" in record.getMessage()
    assert "ValueError" in record.getMessage() or not chained
    assert bench.loop.failing() == 1


@pytest.mark.parametrize("where", ["on_taken", "may_start"])
def test_a_defect_of_those_who_are_asked_ends_no_worker_and_loses_no_object(where, caplog):
    def broken(_argument):
        raise RuntimeError("no")

    bench = Bench(**{where: broken})
    assert bench.run() is not None
    assert "RuntimeError" in caplog.text


def test_work_of_an_unknown_kind_is_a_defect_like_any_other():
    bench = Bench()
    bench.queue.add(ObjectRef("Unheard", "", "of"))
    assert bench.loop.step()
    assert bench.loop.failing() == 1


def test_an_object_of_somebody_else_is_put_down_and_nothing_of_it_is_kept():
    bench = Bench(Retry("refused"))
    bench.run()
    bench.loop.may_start = lambda _key: False
    assert bench.run() is None
    assert bench.loop.failing() == 0
    assert len(bench.began_s) == 1
    assert bench.queue.working(lambda _key: 0) == {}


# -- threads


def run_workers(loop, stop, count=4):
    workers = [threading.Thread(target=loop.work, args=(stop,)) for _ in range(count)]
    for worker in workers:
        worker.start()
    return workers


def test_a_closed_queue_ends_the_workers_though_nobody_said_stop():
    """Otherwise they would spin: a closed queue answers at once."""
    queue = WorkQueue(SystemClock())
    workers = run_workers(Loop(queue, {}, SystemRandom()), lambda: False)
    queue.close()
    for worker in workers:
        worker.join(2)
    assert not any(worker.is_alive() for worker in workers)


def test_workers_work_off_everything_and_end_after_the_round_under_way():
    queue, stop, done, lock = WorkQueue(SystemClock()), threading.Event(), [], threading.Lock()

    def work(item):
        time.sleep(0.001)
        with lock:
            done.append(item.key)
        return Done(None)

    keys = [ObjectRef(KEY.kind, "shop", str(number)) for number in range(100)]
    workers = run_workers(Loop(queue, {KEY.kind: work}, SystemRandom()), stop.is_set)
    for key in keys:
        queue.add(key)
    until_s = time.perf_counter() + 5
    while len(done) < 100 and time.perf_counter() < until_s:
        time.sleep(0.005)
    stop.set()
    queue.close()
    for worker in workers:
        worker.join(2)
    assert sorted(done) == sorted(keys)
    assert not any(worker.is_alive() for worker in workers)


@given(st.lists(st.sampled_from(["done", "retry", "dropped", "defect", "never"]), min_size=1, max_size=25))
@settings(max_examples=50, deadline=None)
def test_whatever_came_out_the_next_run_is_at_least_most_of_a_second_away(story):
    outcomes = {
        "done": every(0),
        "retry": Retry("refused"),
        "dropped": RetryAfter(timedelta(0)),
        "defect": RuntimeError("bug"),
        "never": Done(None),
    }
    logging.disable(logging.CRITICAL)
    try:
        bench = Bench()
        for word in story:
            bench.outcome = outcomes[word]
            next_s = bench.run()
            assert (next_s is None) == (word == "never")
            assert next_s is None or next_s >= 0.8
    finally:
        logging.disable(logging.NOTSET)


def test_the_pace_is_that_of_the_documentation():
    assert Pace() == Pace(early=0.1, shortest_s=1.0, first_s=1.0, longest_s=300.0)
