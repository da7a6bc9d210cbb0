"""Conditions say nothing rosier than the round was, and change only when their words do."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from kubectl_asm.engine.conditions import REASONS, next_conditions, reason_of
from kubectl_asm.engine.plan import Decision
from kubectl_asm.model.backend import BackendError
from kubectl_asm.model.externalsecret import Condition
from tests.unit.engine.rounds import FAILED, external, round_of, secret, source
from tests.unit.engine.worlds import NOW

TWO = external(source("a"), source("b"), meta={"generation": 3})
LATER = NOW + timedelta(minutes=2)


def words(plan, stored=(), now=NOW):
    return {one.type: (one.status, one.reason) for one in next_conditions(stored, plan, now)}


def test_a_complete_round_is_ready_and_nothing_else():
    assert words(round_of(TWO, "1", "2")) == {
        "Ready": ("True", "Synced"),
        "Degraded": ("False", "AllEntriesRead"),
        "Stale": ("False", "Confirmed"),
    }


def test_a_partial_round_is_not_ready_degraded_and_stale_and_names_what_failed():
    plan = round_of(TWO, "1", FAILED, current=secret({"a": "0", "b": "0"}))
    assert words(plan) == {
        "Ready": ("False", "PartiallySynced"),
        "Degraded": ("True", "EntriesFailed"),
        "Stale": ("True", "ValuesKept"),
    }
    degraded = next(one for one in next_conditions((), plan, NOW) if one.type == "Degraded")
    assert degraded.message.endswith(" b")


def test_a_round_that_read_nothing_keeps_old_values_and_says_so():
    found = words(round_of(TWO, FAILED, FAILED, current=secret({"a": "0"})))
    assert found["Ready"] == ("False", "ReadFailed")
    assert found["Stale"] == ("True", "ValuesKept")


def test_steady_state_says_the_same_words_with_the_same_times():
    first = next_conditions((), round_of(TWO, "1", "2"), NOW)
    assert next_conditions(first, round_of(TWO, "1", "2"), LATER) == first


def test_the_id_of_a_request_is_no_new_word():
    def failed(request_id):
        return round_of(TWO, "1", BackendError("no", code="Forbidden", status=403, request_id=request_id))

    stored = next_conditions((), failed("REQ-1"), NOW)
    assert "REQ-1" in stored[0].message
    assert next_conditions(stored, failed("REQ-2"), LATER) == stored


def test_the_time_is_that_of_the_last_change_of_the_status():
    good, bad = round_of(TWO, "1", "2"), round_of(TWO, "1", FAILED)
    first = {one.type: one for one in next_conditions((), good, NOW)}
    then = {one.type: one for one in next_conditions(tuple(first.values()), bad, LATER)}
    assert then["Ready"].last_transition_time == "2026-03-01T12:02:00Z"
    assert first["Ready"].last_transition_time == "2026-03-01T12:00:00Z"
    assert then["Ready"].observed_generation == 3


def test_conditions_of_others_stay_in_front():
    foreign = Condition("Audited", "True", "ByHand", "", "t", 1)
    assert next_conditions((foreign,), round_of(TWO, "1", "2"), NOW)[0] == foreign


@pytest.mark.parametrize("decision", Decision)
def test_every_decision_has_a_reason_in_camel_case_and_only_writing_is_ready(decision):
    plan = replace(round_of(TWO, "1", "2"), decision=decision)
    assert reason_of(plan) == REASONS[decision]
    assert reason_of(plan).isalnum()
    assert (words(plan)["Ready"][0] == "True") is (decision in (Decision.CREATE, Decision.UPDATE, Decision.IN_SYNC))


def test_a_message_is_cut_to_what_the_definition_allows():
    many = external(*(source(f"key-{number:04}") for number in range(300)))
    plan = round_of(many, "1", *[FAILED] * 299)
    assert max(len(one.message) for one in next_conditions((), plan, NOW)) == 1024


def test_no_value_is_in_a_condition():
    plan = round_of(TWO, "hunter2", FAILED, current=secret({"a": "hunter2"}))
    assert "hunter2" not in str(msgspec.json.encode(next_conditions((), plan, NOW)))
