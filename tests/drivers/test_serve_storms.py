"""Hours of weather through the controller's loop: how often services are asked, what Secrets hold, how soon all is well again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from kubectl_asm.adapters.circuit import FIRST_PAUSE_S, LONGEST_PAUSE_S, PASSING_FAILURES
from kubectl_asm.manifest.limits_file import Limits
from kubectl_asm.model.backend import BackendError, ErrorClass, Network
from tests.drivers.storms import INTERVAL_S, NAMESPACE, Controller, external, store
from tests.harness.cases import loaded

HOUR_S = 3600.0
STORM_S = 600.0
OBJECTS, KEYS = 200, 100
RATE = 10
SHARED_S = 0.9 * INTERVAL_S
"""No value is read again sooner than this."""
ALL_S = OBJECTS / RATE
"""How long every object's turn takes when all are due at once."""

THROTTLED = BackendError(code="Rejected.Throttling", status=429)
BROKEN = BackendError(code="InternalFailure", status=500)
SILENT = BackendError("no answer", network=Network.TIMEOUT)
NO_ROLE = BackendError(code="NoPermission", status=403, error_class=ErrorClass.CREDENTIALS)
NO_KEY = BackendError(code="Forbidden.ResourceNotFound", status=404)


def name(number):
    return f"app-{number}"


def key(number):
    return f"key-{number % KEYS}"


def everything():
    """Two objects for every key."""
    return [external(name(number), key(number)) for number in range(OBJECTS)]


def correct(running, edition="1"):
    """Return the numbers of the objects whose Secret holds exactly what it should."""
    return [number for number in range(OBJECTS) if running.data(name(number)) == {key(number): f"{key(number)} {edition}"}]


def ready(running):
    return sum(running.conditions(name(number)).get("Ready") == "True" for number in range(OBJECTS))


def longest_gap_s(times):
    return max(later - earlier for earlier, later in pairwise(times))


def shortest_gap_s(times):
    return min(later - earlier for earlier, later in pairwise(times))


@pytest.fixture
def running():
    made = Controller(everything())
    made.run(ALL_S + 1)
    assert len(correct(made)) == ready(made) == OBJECTS
    return made


# -- good weather


def test_in_a_healthy_hour_every_value_is_read_once_an_interval_however_many_objects_share_it(running):
    running.run(HOUR_S)
    for number in range(KEYS):
        times = running.cloud.times(key(number))
        assert shortest_gap_s(times) >= SHARED_S
        assert longest_gap_s(times) <= INTERVAL_S + 1
    assert sum(running.cloud.asked().values()) <= KEYS * (HOUR_S / SHARED_S + 2)


def test_in_a_healthy_hour_every_object_has_its_round_in_time_for_one_token(running):
    running.run(HOUR_S)
    assert max(seconds for _, seconds in running.late[OBJECTS:]) < 2
    assert running.tokens == running.rounds()
    assert OBJECTS * HOUR_S / INTERVAL_S <= running.rounds(ALL_S + 1) <= OBJECTS * (HOUR_S / SHARED_S + 1)
    assert len(correct(running)) == OBJECTS


def test_versions_stages_and_stores_of_one_key_are_values_of_their_own():
    spec = {"data": [{"key": "k", "name": "now"}, {"key": "k", "name": "before", "versionStage": "ACSPrevious"}]}
    stored = external("third", "k", store="one")
    two = [loaded({"kind": "ExternalSecret", "metadata": {"name": one, "namespace": NAMESPACE}, "spec": spec}) for one in "ab"]
    made = Controller([*two, stored, *store("one")])
    made.run(SHARED_S - 1)
    assert made.cloud.asked() == {"k": 3}


# -- storms


@pytest.mark.parametrize("error", [THROTTLED, SILENT], ids=["throttling", "silence"])
def test_a_service_that_fails_everybody_is_asked_less_than_a_healthy_one_and_all_is_well_an_interval_later(running, error):
    began_s = running.clock.monotonic()
    running.cloud.whole = lambda _client: error
    running.run(STORM_S)
    calls = [call for call in running.cloud.calls if call.at_s >= began_s]
    assert PASSING_FAILURES <= len(calls) <= PASSING_FAILURES + STORM_S / LONGEST_PAUSE_S + 5
    assert (len(correct(running)), ready(running)) == (OBJECTS, 0)
    assert running.conditions(name(0))["Stale"] == "True"

    running.cloud.whole, running.cloud.edition = lambda _client: None, "2"
    running.run(INTERVAL_S + LONGEST_PAUSE_S + ALL_S)
    assert len(correct(running, "2")) == ready(running) == OBJECTS


def test_errors_of_the_service_cost_each_value_its_three_attempts_an_interval(running):
    began_s = running.clock.monotonic()
    running.cloud.item = lambda _key: BROKEN
    running.run(STORM_S)
    assert (len(correct(running)), ready(running)) == (OBJECTS, 0)
    asked = running.cloud.asked(began_s)
    assert len(asked) == KEYS
    assert max(asked.values()) <= 3 * (STORM_S / SHARED_S + 1)

    running.cloud.item, running.cloud.edition = lambda _key: None, "2"
    running.run(2 * INTERVAL_S)
    assert len(correct(running, "2")) == ready(running) == OBJECTS


def test_an_object_that_shares_with_nobody_is_well_within_one_interval_of_the_end_of_a_storm():
    made = Controller([external(name(number), f"own-{number}") for number in range(50)])
    made.run(10)
    made.cloud.item, made.cloud.edition = lambda _key: BROKEN, "2"
    made.run(STORM_S)
    made.cloud.item = lambda _key: None
    made.run(INTERVAL_S + 5)
    assert all(made.data(name(number)) == {f"own-{number}": f"own-{number} 2"} for number in range(50))


def test_a_service_that_asks_for_a_minute_gets_it_from_all_objects_and_no_worker_waits(running):
    began_s = running.clock.monotonic()
    running.cloud.whole = lambda _client: BackendError(code="Rejected.Throttling", status=429, retry_after_s=60.0)
    running.run(STORM_S)
    times = [call.at_s for call in running.cloud.calls if call.at_s >= began_s]
    assert 60.0 <= shortest_gap_s(times) <= longest_gap_s(times) <= INTERVAL_S
    assert (len(correct(running)), ready(running)) == (OBJECTS, 0)


def test_an_object_of_a_day_that_was_told_a_failure_without_a_call_does_not_wait_a_day(running):
    running.cloud.whole = lambda _client: THROTTLED
    running.run(INTERVAL_S)
    running.cluster.create(external("daily", "new", rotationInterval="24h"))
    running.run(INTERVAL_S)
    assert (running.data("daily"), running.cloud.times("new")) == (None, [])
    running.cloud.whole = lambda _client: None
    running.run(INTERVAL_S + LONGEST_PAUSE_S)
    assert running.data("daily") == {"new": "new 1"}
    asked = len(running.cloud.times("new"))
    running.run(STORM_S)
    assert len(running.cloud.times("new")) == asked


def test_a_storm_that_ends_before_the_repeats_do_is_not_noticed(running):
    left = [2]

    def twice(_client):
        left[0] -= 1
        return THROTTLED if left[0] >= 0 else None

    running.cloud.whole = twice
    running.run(INTERVAL_S)
    assert ready(running) == OBJECTS


def test_a_failing_value_is_asked_for_as_often_as_a_healthy_one_and_stays_with_its_objects(running):
    began_s = running.clock.monotonic()
    running.cloud.item = lambda asked: NO_KEY if asked == "key-7" else None
    running.run(HOUR_S)
    asked = running.cloud.asked(began_s)
    assert asked["key-7"] <= max(count for other, count in asked.items() if other != "key-7") + 1
    assert len(correct(running)) == OBJECTS
    assert [number for number in range(OBJECTS) if running.conditions(name(number))["Ready"] != "True"] == [7, 107]


# -- one store among others


def two_stores(*, limits=None):
    """A hundred objects behind each of two stores."""
    objects = [external(f"{one}-{number}", f"{one}-{number}", store=one) for number in range(100) for one in ("bad", "good")]
    return Controller([*objects, *store("bad"), *store("good")], limits=limits)


def is_bad(client):
    return client.name.endswith("/bad")


def late_s(made, one, since):
    return max(seconds for ref, seconds in made.late[since:] if ref.name.startswith(f"{one}-"))


def test_a_store_whose_credentials_fail_for_an_hour_costs_a_call_a_minute_and_the_others_nothing():
    made = two_stores()
    made.cloud.whole = lambda client: NO_ROLE if is_bad(client) else None
    made.run(HOUR_S)
    calls = Counter("bad" if call.is_failed else "good" for call in made.cloud.calls)
    assert HOUR_S / LONGEST_PAUSE_S / 2 <= calls["bad"] <= HOUR_S / LONGEST_PAUSE_S + 5
    assert 100 * HOUR_S / INTERVAL_S <= calls["good"] <= 100 * (HOUR_S / SHARED_S + 1)
    assert late_s(made, "good", 400) < 2
    assert made.circuit.open_stores() == 1
    assert made.conditions("bad-1") == {"Ready": "False", "Degraded": "False", "Stale": "Unknown"}
    assert made.conditions("good-1")["Ready"] == "True"


def test_new_credentials_are_used_at_once_whatever_the_circuit_says():
    made = two_stores()
    made.cloud.whole = lambda client: NO_ROLE if is_bad(client) else None
    made.run(STORM_S)
    made.cloud.whole = lambda _client: None
    made.cluster.load([store("bad", "better")[1]])
    made.run(100 / RATE + FIRST_PAUSE_S)
    assert all(made.conditions(f"bad-{number}")["Ready"] == "True" for number in range(100))


def test_a_repair_outside_the_cluster_is_noticed_within_a_minute_and_an_interval():
    made = two_stores()
    made.cloud.whole = lambda client: NO_ROLE if is_bad(client) else None
    made.run(STORM_S)
    made.cloud.whole = lambda _client: None
    made.run(LONGEST_PAUSE_S + INTERVAL_S + 1)
    assert all(made.conditions(f"bad-{number}")["Ready"] == "True" for number in range(100))


def test_a_host_that_says_nothing_does_not_hold_up_the_objects_of_another_store():
    made = two_stores()
    made.run(INTERVAL_S)
    seen = len(made.late)
    made.cloud.seconds = lambda client: 10.0 if is_bad(client) else 0.0
    made.cloud.whole = lambda client: SILENT if is_bad(client) else None
    made.run(HOUR_S)
    assert late_s(made, "good", seen) < 10.0 * (PASSING_FAILURES + 2)  # there is one worker, and the circuit has to open
    assert late_s(made, "good", seen + 1000) < 12.0
    assert made.data("bad-1") == {"bad-1": "bad-1 1"}


# -- time


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_jumps_an_hour_neither_stops_nor_hastens_anything(running, hours):
    running.run(STORM_S)
    before_s = running.clock.monotonic()
    calls, rounds = sum(running.cloud.asked().values()), running.rounds(before_s - STORM_S + ALL_S)
    running.wall.jump = timedelta(hours=hours)
    running.cloud.edition = "2"
    running.run(STORM_S)
    assert sum(running.cloud.asked(before_s).values()) <= calls
    assert running.rounds(before_s) >= rounds
    assert len(correct(running, "2")) == ready(running) == OBJECTS


# -- limits


def test_rounds_follow_the_bucket_when_there_are_more_than_it_allows():
    made = Controller(everything(), limits=Limits(1, 1, 300, 0, 0))
    made.run(STORM_S)
    assert made.tokens == made.rounds()
    assert STORM_S - 2 <= made.rounds() <= STORM_S + 2


def test_without_a_bucket_the_attempt_limit_holds_for_what_is_really_called():
    made = Controller(everything(), limits=Limits(0, 0, 5, 0, 0))
    made.run(KEYS / 5 + 1)
    assert len(correct(made)) == OBJECTS
    per_second = Counter(int(call.at_s) for call in made.cloud.calls)
    assert max(per_second.values()) <= 6
