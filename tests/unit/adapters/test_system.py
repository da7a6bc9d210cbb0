"""The real clock and randomness."""

import threading
from datetime import timedelta

from kubectl_asm.adapters.system import SystemClock, SystemRandom, utc_now


def test_a_wait_takes_its_time_and_says_that_nothing_interrupted_it():
    clock = SystemClock()
    start = clock.monotonic()
    assert clock.wait(0.02)
    assert clock.monotonic() - start >= 0.019


def test_a_shutdown_wakes_waiters_and_later_waits_return_at_once():
    clock = SystemClock()
    results = []
    thread = threading.Thread(target=lambda: results.append(clock.wait(30)))
    thread.start()
    clock.request_shutdown()
    thread.join(2)
    assert results == [False]
    assert not clock.wait(30)
    assert clock.is_shutting_down()


def test_randomness_stays_in_its_ranges():
    random = SystemRandom()
    assert all(0 <= random.below(3) < 3 for _ in range(50))
    assert all(0.8 <= random.uniform(0.8, 1.2) <= 1.2 for _ in range(50))
    assert len(random.token(16)) == 16
    assert random.token(16) != random.token(16)


def test_the_present_instant_is_aware_and_in_utc():
    assert utc_now().utcoffset() == timedelta(0)
