"""Slots in the order of asking, at a rate, with a burst."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.kube.paced import ApiPace, PacedClient
from kubectl_asm.adapters.pacing import Pacer, WaitMeter
from tests.unit.adapters.reading import Seconds


def test_a_burst_is_there_from_the_beginning_and_then_the_rate_holds():
    pacer = Pacer(10.0, 3.0)
    assert [round(pacer.reserve(0.0), 3) for _ in range(6)] == [0.0, 0.0, 0.0, 0.1, 0.2, 0.3]


def test_a_burst_of_one_spaces_everything():
    pacer = Pacer(2.0, 1.0)
    assert [pacer.reserve(0.0) for _ in range(3)] == [0.0, 0.5, 1.0]


def test_a_wait_that_is_too_long_reserves_nothing():
    pacer = Pacer(1.0, 1.0)
    pacer.reserve(0.0)
    assert pacer.reserve(0.0, longest_s=0.5) is None
    assert pacer.reserve(0.0, longest_s=1.0) == 1.0


def test_a_faster_rate_helps_at_once():
    pacer = Pacer(0.01, 1.0)
    pacer.reserve(0.0)
    pacer.change(10.0, 1.0, 1.0)
    assert pacer.reserve(1.0) == pytest.approx(0.1)


@given(st.floats(0.5, 100), st.integers(1, 20), st.lists(st.floats(0, 2), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_in_no_time_more_slots_are_taken_than_burst_and_rate_allow(rate, burst, pauses):
    pacer, now_s, slots = Pacer(rate, float(burst)), 0.0, []
    for pause_s in pauses:
        now_s += pause_s
        slots.append(now_s + pacer.reserve(now_s))
    assert slots == sorted(slots)
    for first, start_s in enumerate(slots):
        for last, end_s in enumerate(slots[first:]):
            assert last + 1 <= burst + rate * (end_s - start_s) + 1e-6


class Client:
    def __init__(self):
        self.made = []

    def request(self, method, url, **_options):
        self.made.append((method, url))
        return "answer"


def test_requests_wait_for_their_turn_and_without_a_rate_they_do_not():
    clock = Seconds()
    client = Client()
    pace = ApiPace(clock, 2.0, 1)
    paced = PacedClient(client, pace)
    assert [paced.request("GET", "/x") for _ in range(3)] == ["answer"] * 3
    assert clock.now_s == 1.0
    pace.change(0, 1)
    for _ in range(50):
        paced.request("GET", "/x")
    assert clock.now_s == 1.0
    assert len(client.made) == 53


def test_what_was_waited_is_reported_and_no_wait_is_not():
    waited = []
    clock = WaitMeter(Seconds(), waited.append)
    assert clock.wait(2.0)
    assert clock.wait(0.0)
    assert waited == [2.0]
    assert clock.monotonic() == 2.0
