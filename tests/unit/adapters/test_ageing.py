"""Shared values: never older than asked for, one call for each key, failures like answers, memory within bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.ageing import AgeingSource
from kubectl_asm.model.backend import BackendError, ShutdownError, StaleClientError
from tests.unit.adapters.reading import Dated, Seconds, answer, read, texts


def ageing(**options):
    clock = Seconds()
    inner = Dated(clock)
    return clock, inner, AgeingSource(inner, clock, **options)


def test_a_value_is_shared_within_its_age_and_read_afresh_afterwards():
    clock, inner, source = ageing()
    assert texts(source.within(100).fetch_many([read()])) == ["a@0"]
    clock.wait(99)
    assert texts(source.within(100).fetch_many([read()])) == ["a@0"]
    clock.wait(1)
    assert texts(source.within(100).fetch_many([read()])) == ["a@100"]
    assert inner.calls == [["a"], ["a"]]


def test_an_age_of_zero_always_reads():
    _, inner, source = ageing()
    for _ in range(3):
        source.within(0).fetch_many([read()])
    assert inner.calls == [["a"]] * 3


def test_a_value_is_as_old_as_its_question_and_not_as_its_answer():
    clock, inner, source = ageing()
    inner.lasts_s = 30.0
    source.within(100).fetch_many([read()])
    clock.wait(75)
    source.within(100).fetch_many([read()])
    assert len(inner.calls) == 2


def test_only_what_is_missing_is_read_and_the_order_is_kept():
    _, inner, source = ageing()
    source.within(9).fetch_many([read("b")])
    assert texts(source.within(9).fetch_many([read("a"), read("b"), read("a")])) == ["a@0", "b@0", "a@0"]
    assert inner.calls == [["b"], ["a"]]


def test_a_store_that_changed_is_another_client_and_shares_nothing():
    _, inner, source = ageing()
    source.within(9).fetch_many([read(version="1")])
    source.within(9).fetch_many([read(version="2")])
    assert len(inner.calls) == 2


def test_a_failure_is_asked_for_as_seldom_as_an_answer_and_each_gets_an_error_of_its_own():
    clock, inner, source = ageing()
    inner.failures["a"] = BackendError("gone", status=404)
    first, second = (source.within(100).fetch_many([read()])[0] for _ in range(2))
    assert (first.status, second.status) == (404, 404)
    assert first is not second
    clock.wait(100)
    source.within(100).fetch_many([read()])
    assert len(inner.calls) == 2


@pytest.mark.parametrize("error", [StaleClientError(), ShutdownError(), RuntimeError("bug")])
def test_what_is_raised_is_not_remembered(error):
    _, inner, source = ageing()
    answering = inner.fetch_many

    def broken(_reads):
        raise error

    inner.fetch_many = broken
    with pytest.raises(type(error)):
        source.within(100).fetch_many([read()])
    inner.fetch_many = answering
    assert texts(source.within(100).fetch_many([read()])) == ["a@0"]


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_newer_one():
    clock = Seconds()

    class Slow(Dated):
        """The first call is overtaken by a second one."""

        def fetch_many(self, reads):
            outcomes = super().fetch_many(reads)
            if len(self.calls) == 1:
                clock.wait(10)
                source.within(5).fetch_many(reads)
            return outcomes

    source = AgeingSource(Slow(clock), clock)
    assert texts(source.within(5).fetch_many([read()])) == ["a@0"]
    assert texts(source.within(5).fetch_many([read()])) == ["a@10"]


def test_memory_is_bounded_and_the_least_recently_used_goes_first():
    _, inner, source = ageing(longest_bytes=2000)
    for key in "abc":
        source.within(100).fetch_many([read(key)])
    source.within(100).fetch_many([read("a")])
    source.within(100).fetch_many([read("d")])
    inner.calls.clear()
    source.within(100).fetch_many([read("a"), read("c"), read("d")])
    assert inner.calls == []
    source.within(100).fetch_many([read("b")])
    assert inner.calls == [["b"]]
    assert source.held_bytes() <= 2000


def test_a_value_larger_than_the_memory_is_not_kept():
    clock = Seconds()

    class Large:
        def fetch_many(self, reads):
            return [answer("x" * 5000) for _ in reads]

    source = AgeingSource(Large(), clock, longest_bytes=4000)
    source.within(100).fetch_many([read()])
    assert source.held_bytes() == 0


def test_values_of_objects_that_are_gone_do_not_stay_for_ever():
    clock, _, source = ageing()
    source.within(100).fetch_many([read("gone")])
    before = source.held_bytes()
    clock.wait(100)
    source.within(10).fetch_many([read("come")])
    assert source.held_bytes() < 2 * before, "one came and one went"


steps = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=5),
        st.sampled_from([0, 1, 5, 20]),
        st.integers(0, 8),
        st.integers(0, 3),
    ),
    max_size=25,
)


@given(steps, st.sampled_from([600, 1600, 10_000]))
@settings(max_examples=80, deadline=None)
def test_every_read_is_answered_none_is_older_than_asked_for_and_no_key_is_asked_twice_in_a_call(story, longest_bytes):
    clock = Seconds()
    inner = Dated(clock)
    source = AgeingSource(inner, clock, longest_bytes=longest_bytes)
    for keys, age_s, pause_s, lasts_s in story:
        inner.lasts_s = float(lasts_s)
        asked_s = clock.monotonic()
        found = texts(source.within(age_s).fetch_many([read(key) for key in keys]))
        for key, text in zip(keys, found, strict=True):
            name, _, read_s = text.partition("@")
            assert name == key
            assert float(read_s) == asked_s or float(read_s) > asked_s - age_s
        assert source.held_bytes() <= longest_bytes
        clock.wait(pause_s)
    assert all(len(call) == len(set(call)) for call in inner.calls)


@given(st.integers(1, 20), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_failing_secret_costs_no_more_calls_than_a_healthy_one_however_often_it_is_retried(retries, is_failing):
    """A failing object is retried each second at first; its refresh takes what was read within the interval."""
    clock = Seconds()
    inner = Dated(clock, {"a": BackendError("no", status=403)} if is_failing else {})
    source = AgeingSource(inner, clock)
    for _ in range(retries):
        source.within(0.9 * 120).fetch_many([read()])
        clock.wait(1)
    assert len(inner.calls) == 1
