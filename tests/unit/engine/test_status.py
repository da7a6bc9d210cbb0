"""How dataSyncResults entries replace each other and when they are written (spec/status.md 3 and 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from kubectl_asm.engine.decide import rejected, stopped
from kubectl_asm.engine.plan import Decision, Done
from kubectl_asm.engine.status import NOTICE_KEY, ever_succeeded, merge, next_status, reports, timestamp
from kubectl_asm.model.backend import BackendError
from kubectl_asm.model.externalsecret import SyncResult
from tests.unit.engine.rounds import FAILED, external, extract, round_of, secret, source, templated

NOW = datetime(2026, 3, 2, 9, 0, 0, 999999, tzinfo=UTC)
TIME = "2026-03-02T09:00:00Z"
OLD = "2026-01-01T00:00:00Z"

SUCCESS = SyncResult(status="Succeeded", time=OLD)
LOST = SyncResult("b", "Failed", "old reason", OLD)
GUARD = SyncResult("zero_output_guard", "Failed", "old guard", OLD)
WARNING = SyncResult("template_processing_warnings", "Failed", "old warning", OLD)
NOTICE = SyncResult(NOTICE_KEY, "Warning", "stores are frozen", OLD)


def shown(entries):
    return [(entry.key, entry.status) for entry in entries]


def after(plan, *stored):
    return shown(merge(stored, plan, TIME))


def synced():
    return round_of(external(source("a")), "v")


def partial():
    return round_of(external(source("a"), source("b")), "v", FAILED)


def guarded():
    return round_of(external(extracts=[extract("d")]), "{}")


def test_recovery_leaves_exactly_the_success_entry():
    assert after(synced(), LOST, GUARD, WARNING) == [("", "Succeeded")]


def test_success_with_template_warnings():
    obj = external(source("a"), template=templated({"x": "{{ fail `no` }}", "y": "1"}))
    assert after(round_of(obj, "v"), SUCCESS) == [("", "Succeeded"), ("template_processing_warnings", "Failed")]


def test_a_guard_keeps_earlier_failures_and_drops_success_and_older_synthetic_entries():
    assert after(guarded(), SUCCESS, LOST, WARNING) == [("b", "Failed"), ("zero_output_guard", "Failed")]


def test_a_fatal_template_does_the_same():
    plan = round_of(external(source("a"), template=templated({"x": "{{"})), "v")
    assert after(plan, SUCCESS, LOST) == [("b", "Failed"), ("template_processing_fatal", "Failed")]


def test_failures_replace_older_failures():
    assert after(partial(), SyncResult("gone", "Failed", "x", OLD), GUARD) == [("b", "Failed")]


def test_failures_and_a_fatal_template():
    obj = external(source("a"), source("b"), template=templated({"x": "{{"}))
    assert after(round_of(obj, "v", FAILED), SUCCESS) == [("b", "Failed"), ("template_processing_errors", "Failed")]


def test_a_refused_write_supersedes_success_and_keeps_fresh_failures():
    assert after(rejected(synced(), "refused"), SUCCESS) == [("update_operation", "Failed")]
    assert after(rejected(partial(), "refused"), SUCCESS) == [("b", "Failed"), ("update_operation", "Failed")]


def test_a_refused_write_supersedes_the_template_entry_of_its_round():
    obj = external(source("a"), template=templated({"x": "{{ fail `no` }}", "y": "1"}))
    assert after(rejected(round_of(obj, "v"), "refused")) == [("update_operation", "Failed")]


def test_the_notice_stays_through_synthetic_rounds_and_goes_with_the_next_data_write():
    assert after(guarded(), NOTICE, SUCCESS) == [(NOTICE_KEY, "Warning"), ("zero_output_guard", "Failed")]
    assert after(synced(), NOTICE, SUCCESS) == [("", "Succeeded")]


def test_an_unchanged_list_is_not_written_and_keeps_its_times():
    quiet = round_of(external(source("a")), "v", current=secret({"a": "v"}))
    assert next_status([SUCCESS], quiet, NOW) is None
    reason = guarded().reason
    assert next_status([SyncResult("zero_output_guard", "Failed", reason, OLD)], guarded(), NOW) is None


def test_order_and_times_do_not_make_a_difference():
    plan = round_of(external(source("x"), source("a"), source("b")), "v", FAILED, FAILED, current=secret({"x": "v"}))
    first = next_status([], plan, NOW)
    older = [replace_time(entry) for entry in reversed(first)]
    assert next_status(older, plan, NOW) is None


def test_the_id_of_a_request_makes_no_difference():
    def failed(request_id):
        error = BackendError("not now", code="Forbidden.NoPermission", status=403, request_id=request_id)
        return round_of(external(source("a")), error)

    stored = next_status([], failed("REQ-1"), NOW)
    assert "REQ-1" in stored[0].reason
    assert next_status(stored, failed("REQ-2"), NOW) is None


def replace_time(entry):
    return SyncResult(entry.key, entry.status, entry.reason, OLD)


def test_a_write_of_the_secret_refreshes_the_times_of_data_entries():
    assert next_status([SUCCESS], synced(), NOW) == (SyncResult(status="Succeeded", time=TIME),)


def test_a_deletion_refreshes_too_even_of_nothing():
    from tests.unit.engine.test_decide import CLEANUP

    plan = round_of(external(source("a")), FAILED, settings=CLEANUP)
    stored = [SyncResult("a", "Failed", plan.data_status[0].reason, OLD)]
    assert [entry.time for entry in next_status(stored, plan, NOW)] == [TIME]


def test_a_retained_synthetic_entry_keeps_its_time_when_data_changes():
    obj = external(source("a"), template=templated({"x": "{{ fail `no` }}", "y": "1"}))
    plan = round_of(obj, "v")
    stored = [LOST, SyncResult("template_processing_warnings", "Failed", plan.synthetic[0].reason, OLD)]
    assert [(entry.key, entry.time) for entry in next_status(stored, plan, NOW)] == [
        ("", TIME),
        ("template_processing_warnings", OLD),
    ]


def test_writing_the_same_result_twice_is_idempotent():
    for plan in (partial(), guarded(), rejected(partial(), "refused")):
        written = next_status([SUCCESS, GUARD], plan, NOW)
        assert next_status(written, replace(plan, forces_status=False), NOW) is None


def test_a_quiet_plan_writes_nothing():
    assert next_status([LOST], replace(synced(), quiet=True), NOW) is None


def test_times_are_whole_seconds():
    assert timestamp(NOW) == TIME


def test_only_a_success_entry_is_success():
    assert ever_succeeded([LOST, SUCCESS])
    assert not ever_succeeded([LOST, GUARD, NOTICE])


def test_a_round_that_was_cut_short_or_dropped_has_nothing_to_say():
    cut_short = stopped(external(source("a")), Decision.ABORT, Done(None))
    assert not reports(cut_short)
    assert not reports(replace(synced(), quiet=True))
    for plan in (synced(), guarded(), rejected(partial(), "refused")):
        assert reports(plan)
