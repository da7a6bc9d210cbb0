"""Guards, comparison, takeover and what a Plan shows; prelude and status are tested in their own files."""

from __future__ import annotations

import pytest

from kubectl_asm.engine.lookups import Failed
from kubectl_asm.engine.ownership import refuse_takeover
from kubectl_asm.engine.plan import Decision, Done, Retry
from kubectl_asm.errors import UnavailableError
from kubectl_asm.model.externalsecret import SyncResult
from kubectl_asm.model.objects import ManagedField, OwnerReference
from tests.unit.engine.rounds import FAILED, NEWEST, SEED, external, extract, round_of, secret, source, templated, written

CLEANUP = SEED.replaced({"cleanup_secret_on_failure": True})


def guard(plan):
    assert plan.decision is Decision.GUARD
    assert (plan.secret, plan.delete, plan.data_status) == (None, None, None)
    assert isinstance(plan.outcome, Done)
    return plan.synthetic[0].key, plan.synthetic[0].reason


def test_sources_that_gave_nothing_are_guarded_even_with_the_cleanup_flag():
    plan = round_of(external(extracts=[extract("d")]), "{}", current=secret({"x": "1"}), settings=CLEANUP)
    key, reason = guard(plan)
    assert key == "zero_output_guard"
    assert reason.startswith("declared 1 data source(s) produced 0 keys with 0 errors")


def test_no_source_and_no_template_is_guarded_while_the_target_holds_data():
    assert "existing Secret holds 2 key(s)" in guard(round_of(external(), current=secret({"a": "1", "b": "2"})))[1]


def test_no_source_and_an_empty_target_is_in_sync():
    assert round_of(external(), current=secret({})).decision is Decision.IN_SYNC
    assert round_of(external()).decision is Decision.IN_SYNC


def test_a_template_that_renders_nothing_is_guarded():
    template = templated({"bad key!": "x"})
    assert guard(round_of(external(source("a"), template=template), "v"))[0] == "template_zero_output_guard"
    empty = guard(round_of(external(template=template), current=secret({"a": "1"})))
    assert "existing Secret holds 1 key(s) and template rendering produced 0 data keys" in empty[1]


def test_a_template_of_metadata_alone_creates_a_secret_without_data():
    from kubectl_asm.model.externalsecret import TemplateMetadata

    plan = round_of(external(template=templated(metadata=TemplateMetadata(labels={"a": "b"}))))
    assert (plan.decision, written(plan)) == (Decision.CREATE, {})
    assert plan.secret.metadata.labels == {"a": "b"}


def test_an_unreadable_target_ends_the_round_before_anything_is_decided():
    plan = round_of(external(source("a")), "v", current=Failed(UnavailableError("no route", status=503)))
    assert (plan.decision, plan.outcome) == (Decision.ABORT, Retry("no route"))
    assert [entry.key for entry in plan.synthetic] == ["state_retrieval"]


def test_equal_data_is_in_sync_whatever_the_type_and_other_metadata_say():
    current = secret({"a": "v"}, type="kubernetes.io/tls", meta={"labels": {"x": "y"}})
    assert round_of(external(source("a"), type="Opaque"), "v", current=current).decision is Decision.IN_SYNC


@pytest.mark.parametrize("held", [{}, {"a": "v", "b": "1"}, {"a": "other"}, {"a": "v\n"}])
def test_any_difference_of_keys_or_bytes_is_written(held):
    plan = round_of(external(source("a")), "v", current=secret(held))
    assert (plan.decision, written(plan)) == (Decision.UPDATE, {"a": "v"})


def test_an_update_keeps_type_owners_and_metadata_and_overlays_rendered_ones():
    from kubectl_asm.model.externalsecret import TemplateMetadata

    owner = OwnerReference(kind="Deployment", name="d", uid="u")
    current = secret({}, type="t", meta={"labels": {"a": "1", "b": "2"}, "owner_references": (owner,)})
    template = templated({"k": "{{ .a }}"}, metadata=TemplateMetadata(labels={"b": "3"}), type="Opaque")
    updated = round_of(external(source("a"), template=template), "v", current=current).secret
    assert updated.type == "t"
    assert updated.metadata.owner_references == (owner,)
    assert updated.metadata.labels == {"a": "1", "b": "3"}
    assert updated.metadata.annotations == {"ack-alibabacloud.com/managed-keys": "k"}
    assert updated.metadata.resource_version == "1"


def test_the_type_of_a_new_secret():
    def created(**fields):
        return round_of(external(source("a"), **fields), "v").secret.type

    assert created() == "Opaque"
    assert created(type="x") == "x"
    assert created(type="x", template=templated({"k": "v"}, type="y")) == "y"


def test_an_equal_secret_of_the_other_profile_is_left_alone_while_nobody_decided_the_profile():
    obj = external(extracts=[extract("d")])
    held = secret({"a": "14"})
    undecided = round_of(obj, '{"a":"14"}', current=held, profile_is_decided=False)
    assert undecided.decision is Decision.IN_SYNC
    assert "--compat=0.6.7" in undecided.warnings[0]
    assert written(round_of(obj, '{"a":"14"}', current=held)) == {"a": '"14"'}
    third = round_of(obj, '{"a":"14"}', current=secret({"a": "x"}), profile_is_decided=False)
    assert third.decision is Decision.UPDATE


def test_a_fatal_template_writes_nothing_and_deletes_nothing():
    obj = external(source("a"), template=templated({"k": "{{ nope }}"}))
    plan = round_of(obj, "v", current=secret({"a": "1"}), settings=CLEANUP)
    assert (plan.decision, plan.secret, plan.delete, plan.data_status) == (Decision.ABORT, None, None, None)
    assert plan.synthetic[0].key == "template_processing_fatal"
    assert isinstance(plan.outcome, Retry)


def test_a_fatal_template_beside_failed_sources_reports_both():
    obj = external(source("a"), source("b"), template=templated({"k": "{{ nope }}"}))
    plan = round_of(obj, "v", FAILED, current=secret({"k": "1"}))
    assert plan.decision is Decision.SKIP
    assert [entry.key for entry in plan.synthetic] == ["template_processing_errors"]
    assert [entry.key for entry in plan.data_status] == ["b"]


def test_total_failure_with_the_flag_deletes_even_under_a_fatal_template():
    obj = external(source("a"), template=templated({"k": "{{ nope }}"}))
    assert round_of(obj, FAILED, current=secret({"k": "1"}), settings=CLEANUP).decision is Decision.DELETE


# -- whose Secret it is


def refused(plan):
    assert (plan.decision, plan.secret, plan.delete, plan.data_status, plan.synthetic) == (Decision.ABORT, None, None, None, ())
    return plan.reason


@pytest.mark.parametrize("kind", ["helm.sh/release.v1", "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"])
def test_secrets_of_the_system_are_neither_written_nor_deleted(kind):
    current = secret({"a": "1"}, type=kind)
    assert kind in refused(round_of(external(source("a")), "v", current=current))
    assert kind in refused(round_of(external(source("a")), FAILED, current=current, settings=CLEANUP))


def test_a_secret_with_a_controller_is_neither_written_nor_deleted():
    current = secret({"a": "1"}, meta={"owner_references": (OwnerReference(kind="Certificate", name="c", controller=True),)})
    assert "Certificate c" in refused(round_of(external(source("a")), "v", current=current))
    assert "Certificate c" in refused(round_of(external(source("a")), FAILED, current=current, settings=CLEANUP))


def test_a_foreign_secret_needs_adopt_for_a_write_and_for_a_deletion():
    current = secret({"a": "1"})
    assert "--adopt" in refused(round_of(external(source("a")), "v", current=current, adopt=False))
    assert "--adopt" in refused(round_of(external(source("a")), FAILED, current=current, adopt=False, settings=CLEANUP))
    assert round_of(external(source("a")), "1", current=current, adopt=False).decision is Decision.IN_SYNC


@pytest.mark.parametrize("manager", ["kubectl-asm", "ack-secret-manager"])
def test_what_we_or_upstream_wrote_is_ours(manager):
    current = secret({"a": "1"}, meta={"managed_fields": (ManagedField(manager=manager, operation="Update"),)})
    assert refuse_takeover(external(source("a")), current, adopt=False) is None


def test_what_succeeded_once_is_ours():
    obj = external(source("a"), status=[SyncResult(status="Succeeded")])
    assert refuse_takeover(obj, secret({"a": "1"}), adopt=False) is None


# -- Plans


def test_a_plan_tells_its_story_without_values():
    obj = external(source("a", "u"), source("b"), extracts=[extract("d")], template=templated({"k": "{{ .u }}"}))
    plan = round_of(obj, "hunter2", "x", '{"m":"hunter2"}', current=secret({"old": "hunter2"}), settings=NEWEST)
    assert "hunter2" not in repr(plan)
    assert [line.stage for line in plan.trace][:3] == ["fetch", "fetch", "fetch"]
    assert plan.entries[2].keys == ("m",)


def test_scheduling_of_a_round_that_is_done():
    from datetime import timedelta

    from kubectl_asm.engine.decide import round_outcome

    assert round_outcome(external(), SEED) == Done(timedelta(seconds=120))
    assert round_outcome(external(rotation_interval="10s"), SEED) == Done(timedelta(seconds=10))
    assert round_outcome(external(rotation_interval="10s"), SEED.replaced({"disable_polling": True})) == Done(None)
