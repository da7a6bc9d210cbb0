"""The failure contract: truth table of the skip rule, twins, retained keys (spec/writes-and-failures.md 3 to 5)."""

from __future__ import annotations

import pytest

from kubectl_asm.engine.contract import Action, Counters, choose_action
from kubectl_asm.engine.plan import Decision
from tests.unit.engine.rounds import FAILED, SEED, external, extract, round_of, secret, source, templated, written

CLEANUP = SEED.replaced({"cleanup_secret_on_failure": True})


def counters(failed_keys, all_failed):
    return Counters(total=2, failed_sources=2 if all_failed else 0, failed_keys=failed_keys, reported=())


@pytest.mark.parametrize("templated", [False, True])
@pytest.mark.parametrize("is_empty", [False, True])
@pytest.mark.parametrize("settings", [SEED, CLEANUP])
@pytest.mark.parametrize(("failed", "all_failed"), [(0, False), (1, False), (2, True)])
def test_the_skip_rule(failed, all_failed, settings, is_empty, templated):
    got = choose_action(counters(failed, all_failed), templated=templated, is_empty=is_empty, settings=settings)
    if not failed:
        assert got is Action.WRITE
    elif all_failed:
        assert got is (Action.DELETE if settings is CLEANUP else Action.SKIP)
    else:
        assert got is (Action.SKIP if templated or is_empty else Action.MERGE)


def failures(plan):
    return [(entry.key, entry.status) for entry in plan.data_status]


def test_worked_example_one_source_fails():
    obj = external(source("a", "u"), source("b", "p"))
    plan = round_of(obj, "n1", FAILED, current=secret({"u": "o1", "p": "o2", "z": "o3"}))
    assert (plan.decision, written(plan)) == (Decision.UPDATE, {"u": "n1", "p": "o2"})
    assert failures(plan) == [("b", "Failed")]


def test_worked_example_both_fail_and_nothing_is_written():
    plan = round_of(external(source("a", "u"), source("b", "p")), FAILED, FAILED, current=secret({"u": "1", "p": "2"}))
    assert (plan.decision, plan.secret, plan.delete) == (Decision.SKIP, None, None)


def test_worked_example_both_fail_with_the_flag_and_the_target_goes():
    current = secret({"u": "1", "p": "2"})
    plan = round_of(external(source("a", "u"), source("b", "p")), FAILED, FAILED, current=current, settings=CLEANUP)
    assert (plan.decision, plan.delete) == (Decision.DELETE, current)
    assert failures(plan) == [("a", "Failed"), ("b", "Failed")]


def test_deleting_what_is_not_there_is_fine():
    plan = round_of(external(source("a")), FAILED, settings=CLEANUP)
    assert (plan.decision, plan.delete) == (Decision.DELETE, None)


def test_worked_example_an_extract_fails_and_every_old_key_stays():
    obj = external(source("a", "u"), extracts=[extract("d")])
    plan = round_of(obj, "n", FAILED, current=secret({"u": "o", "x": "1", "y": "2"}))
    assert written(plan) == {"u": "n", "x": "1", "y": "2"}


def test_worked_example_twins_with_two_target_keys():
    obj = external(source("k", "x"), source("k", "y", version_id="v1"))
    plan = round_of(obj, "n", FAILED, current=secret({"x": "o", "y": "o2"}))
    assert written(plan) == {"x": "n", "y": "o2"}
    assert failures(plan) == [("k", "Failed")]


def test_worked_example_twins_with_one_target_key_are_exempt():
    obj = external(source("k", "k"), source("k", "k", version_id="v1"))
    plan = round_of(obj, "n", FAILED, current=secret({"k": "o"}))
    assert written(plan) == {"k": "n"}
    assert failures(plan) == [("", "Succeeded")]


def test_an_exempt_twin_still_holds_a_templated_secret_back():
    obj = external(source("k", "k"), source("k", "k", version_id="v1"), template=templated({"o": "{{ .k }}"}))
    plan = round_of(obj, "n", FAILED, current=secret({"o": "old"}))
    assert (plan.decision, plan.secret) == (Decision.SKIP, None)
    assert failures(plan) == [("", "Succeeded")]


def test_a_target_key_filled_by_another_backend_key_exempts_nothing():
    obj = external(source("k", "x"), source("k", "y"), source("other", "y"))
    plan = round_of(obj, "n", FAILED, "from other", current=secret({"x": "o", "y": "o2"}))
    assert failures(plan) == [("", "Succeeded")], "the twin's key is present and its backend key succeeded: exempt"
    assert written(plan) == {"x": "n", "y": "from other"}
    plan = round_of(external(source("k", "y"), source("other", "y")), FAILED, "from other", current=secret({"y": "o2"}))
    assert failures(plan) == [("k", "Failed")]


def test_success_on_the_extract_side_exempts_no_data_entry():
    obj = external(source("k", "x"), extracts=[extract("k")])
    plan = round_of(obj, FAILED, '{"x":"1"}', current=secret({"x": "o"}))
    assert failures(plan) == [("k", "Failed")]


def test_an_extract_twin_is_exempt_whatever_keys_came_and_still_retains_all():
    obj = external(extracts=[extract("d"), extract("d", version_id="v1")])
    plan = round_of(obj, "a: 1", FAILED, current=secret({"old": "1"}))
    assert failures(plan) == [("", "Succeeded")]
    assert written(plan) == {"a": "1\n", "old": "1"}


def test_a_failed_query_retains_its_aliases_and_its_fallback_key():
    obj = external(source("k", "raw", paths=[("a", "x"), ("b", "")]), source("m"))
    current = secret({"x": "1", "k": "2", "raw": "3", "m": "old", "gone": "5"})
    assert written(round_of(obj, FAILED, "new", current=current)) == {"x": "1", "k": "2", "raw": "3", "m": "new"}


def test_a_failed_query_is_covered_by_all_aliases_or_by_the_fallback():
    twin = source("k", "raw", paths=[("a", "x"), ("b", "y")])
    ok = external(twin, source("k", "x", version_id="1"), source("k", "y", version_id="2"))
    assert failures(round_of(ok, FAILED, "1", "2")) == [("", "Succeeded")]
    half = external(twin, source("k", "x", version_id="1"))
    assert failures(round_of(half, FAILED, "1")) == [("k", "Failed")]
    fallback = external(twin, source("k", "raw", version_id="1"))
    assert failures(round_of(fallback, FAILED, "1")) == [("", "Succeeded")]


def test_a_key_that_fails_on_both_sides_is_reported_twice():
    obj = external(source("k"), source("ok"), extracts=[extract("k")])
    assert failures(round_of(obj, FAILED, "v", FAILED)) == [("k", "Failed"), ("k", "Failed")]


def test_without_an_old_secret_a_partial_round_writes_what_it_has():
    plan = round_of(external(source("a"), source("b")), "v", FAILED)
    assert (plan.decision, written(plan)) == (Decision.CREATE, {"a": "v"})


def test_a_partial_round_with_an_empty_dataset_writes_nothing():
    obj = external(source("a"), extracts=[extract("d")])
    plan = round_of(obj, FAILED, "{}", current=secret({"a": "1"}))
    assert (plan.decision, plan.secret) == (Decision.SKIP, None)


def test_the_last_error_of_a_slot_is_reported_once():
    from kubectl_asm.model.backend import BackendError

    second = BackendError("second", code="Other")
    plan = round_of(external(source("k", "x"), source("k", "y"), source("ok")), FAILED, second, "v")
    assert len(plan.data_status) == 1
    assert "Other, second" in plan.data_status[0].reason


def test_a_data_process_item_without_extract_counts_for_nothing():
    from kubectl_asm.model.externalsecret import DataProcess

    plan = round_of(external(extracts=[DataProcess()]), current=secret({"a": "1"}))
    assert plan.synthetic[0].reason.startswith("no data source declared but existing Secret holds 1 key(s)")
