"""Properties of every round: no key of a failed source is lost, a second run changes nothing, a status settles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.engine.admit import DATA, entries_of
from kubectl_asm.engine.entries import output_names
from kubectl_asm.engine.plan import Decision
from kubectl_asm.engine.status import next_status
from kubectl_asm.model.externalsecret import ExternalSecretStatus
from tests.unit.engine.rounds import FAILED, NEWEST, SEED, external, extract, plain, round_of, secret, source, templated, written

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BACKEND_KEYS = st.sampled_from(["k", "l", "m"])
NAMES = st.sampled_from(["", "x", "y", "z", "k"])
OUTCOMES = st.one_of(
    st.just(FAILED), st.sampled_from(["v", "", '{"x":"1","y":2}', "x: 1\ny: [2]", "{}", "null", "{broken", b"\xff"])
)
PATHS = st.lists(st.tuples(st.sampled_from(["x", "y", "gone", "bad["]), NAMES), max_size=2)
DATA_ENTRIES = st.lists(st.builds(source, BACKEND_KEYS, NAMES, PATHS), max_size=4)
EXTRACTS = st.lists(st.builds(extract, BACKEND_KEYS), max_size=2)
TEMPLATES = st.sampled_from(
    [None, None, templated(), templated({"o": "{{ .x }}"}), templated({"o": "{{ .x.y.z }}"}), templated({"o": "{{"})]
)
CURRENT = st.one_of(
    st.none(), st.dictionaries(st.sampled_from(["k", "l", "m", "x", "y", "z", "old", "o"]), st.sampled_from(["1", "v"]))
)
SETTINGS = st.sampled_from(
    [*(base.replaced({"cleanup_secret_on_failure": flag}) for base in (SEED, NEWEST) for flag in (False, True))]
)
BOUNDED = settings(max_examples=400, deadline=None)


@st.composite
def rounds(draw):
    obj = external(*draw(DATA_ENTRIES), extracts=draw(EXTRACTS), template=draw(TEMPLATES))
    outcomes = [draw(OUTCOMES) for _ in entries_of(obj)]
    held = draw(CURRENT)
    return obj, outcomes, None if held is None else secret(held), draw(SETTINGS)


def planned(obj, outcomes, current, profile):
    return round_of(obj, *outcomes, current=current, settings=profile)


@given(rounds())
@BOUNDED
def test_no_key_of_a_failed_source_is_lost(case):
    _, _, current, profile = case
    plan = planned(*case)
    if current is None or not any(entry.failed for entry in plan.entries):
        return
    if plan.decision is Decision.DELETE:
        assert profile.cleanup_secret_on_failure
        assert all(entry.failed for entry in plan.entries)
        return
    after = written(plan)
    for entry in (report.admission.entry for report in plan.entries if report.failed):
        mine = output_names(entry.source) if entry.side == DATA else current.data
        for key in set(mine) & set(current.data):
            assert key in after, (key, plan.decision)


@given(rounds())
@BOUNDED
def test_values_of_retained_keys_are_the_old_ones_or_fresh_ones(case):
    _, _, current, _ = case
    plan = planned(*case)
    produced = {key for report in plan.entries for key in report.keys}
    if current is None or plan.secret is None or plan.external.template is not None:
        return
    old, new = plain(current.data), plain(plan.secret.data)
    assert {key: value for key, value in new.items() if key not in produced} == {
        key: old[key] for key in new if key not in produced
    }


@given(rounds())
@BOUNDED
def test_a_deletion_needs_the_flag_and_total_failure(case):
    plan = planned(*case)
    if plan.delete is not None:
        assert case[3].cleanup_secret_on_failure
        assert plan.entries
        assert all(report.failed for report in plan.entries)


@given(rounds())
@BOUNDED
def test_a_second_round_with_the_same_answers_writes_no_secret(case):
    obj, outcomes, _, profile = case
    plan = planned(*case)
    if plan.secret is None:
        return
    again = planned(obj, outcomes, plan.secret, profile)
    assert again.decision in (Decision.IN_SYNC, Decision.GUARD), again.reason
    assert again.secret is None


@given(rounds())
@BOUNDED
def test_equal_inputs_give_equal_plans(case):
    assert planned(*case) == planned(*case)


@given(rounds(), rounds())
@BOUNDED
def test_a_status_that_was_written_is_not_written_again(first, second):
    stored = next_status((), planned(*first), NOW) or ()
    obj = msgspec.structs.replace(second[0], status=ExternalSecretStatus(stored))
    plan = replace(planned(obj, *second[1:]), forces_status=False)
    after = next_status(stored, plan, NOW)
    if after is not None:
        assert next_status(after, plan, NOW) is None
        keys = [(entry.key, entry.status, entry.reason) for entry in after]
        assert len([entry for entry in after if entry.status == "Succeeded"]) <= 1
        assert len(keys) >= len(set(keys))
