"""Performing Plans: lost races, terminating namespaces, one new decision after a conflict, finalizers, status failures."""

from __future__ import annotations

import logging

import msgspec
import pytest

from kubectl_asm.app.execute import Executor
from kubectl_asm.engine.plan import Decision, Done, Retry
from kubectl_asm.errors import (
    AccessError,
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, ManagedField, OwnerReference, Secret
from tests.unit.app.passes import World
from tests.unit.engine.rounds import external, plain, secret, source, templated

DELETED = {"deletion_timestamp": "2026-01-01T00:00:00Z"}


def world(obj=None, *objects, **values):
    return World(obj or external(source("a", "u")), *objects, values=values or {"a": "v"})


def statuses(run):
    return [(entry.key, entry.status) for entry in run.external().status.data_sync_results]


def test_a_round_adds_the_finalizer_writes_the_secret_and_then_the_status():
    run = world()
    plan = run.run()
    assert (plan.decision, run.data()) == (Decision.CREATE, {"u": "v"})
    assert run.external().metadata.finalizers == (FINALIZER,)
    assert run.calls == ["set_finalizers", "create", "set_status"]


def test_a_second_round_changes_nothing():
    run = world()
    run.run()
    before = run.cluster.objects()
    run.calls.clear()
    assert run.run().decision is Decision.IN_SYNC
    assert run.calls == []
    assert run.cluster.objects() == before


def test_a_finalizer_that_cannot_be_added_ends_the_round_before_any_read():
    run = world()
    run.fail("set_finalizers", AccessError("not allowed", status=403))
    plan = run.run()
    assert (plan.decision, plan.outcome) == (Decision.ABORT, Retry("not allowed"))
    assert statuses(run) == [("finalizer", "Failed")]
    assert run.reads == 0


# -- creation races


def raced(current, **options):
    run = world(**options)
    run.before("create", lambda: run.cluster.load([current]))
    return run


def test_a_lost_creation_race_becomes_an_update_that_keeps_metadata_and_type():
    run = raced(secret({"x": "1"}, type="t", meta={"labels": {"keep": "1"}}))
    plan = run.run()
    assert (plan.decision, run.data()) == (Decision.UPDATE, {"u": "v"})
    assert run.secret().metadata.labels == {"keep": "1"}
    assert run.secret().type == "t"
    assert statuses(run) == [("", "Succeeded")]


def test_a_lost_race_to_somebody_else_s_secret_needs_adopt():
    run = raced(secret({"x": "1"}))
    plan = run.run(adopt=False)
    assert plan.decision is Decision.ABORT
    assert "--adopt" in plan.reason
    assert run.data() == {"x": "1"}


@pytest.mark.parametrize(
    "fields",
    [{"type": "helm.sh/release.v1"}, {"meta": {"owner_references": (OwnerReference(kind="C", name="c", controller=True),)}}],
)
def test_a_lost_race_to_a_secret_nobody_may_write_ends_the_round(fields):
    run = raced(secret({"x": "1"}, **fields))
    assert run.run().decision is Decision.ABORT
    assert run.data() == {"x": "1"}


def test_a_lost_race_to_our_own_other_process_is_taken_over():
    run = raced(secret({"x": "1"}, meta={"managed_fields": (ManagedField(manager="ack-secret-manager"),)}))
    assert run.run(adopt=False).decision is Decision.UPDATE


def test_the_winner_of_the_race_vanishing_again_leads_to_one_new_decision():
    run = world()
    run.fail("create", AlreadyExistsError("exists", status=409), times=1)
    assert (run.run().decision, run.data()) == (Decision.CREATE, {"u": "v"})
    assert run.reads == 2


def test_a_terminating_namespace_refuses_the_creation_and_that_is_fine():
    run = world()
    text = 'secrets "es" is forbidden: unable to create new content in namespace shop because it is being terminated'
    run.fail("create", RejectedError(text, status=403))
    plan = run.run()
    assert isinstance(plan.outcome, Done)
    assert "nothing was written" in plan.reason
    assert run.data() is None


# -- conflicts and refusals


def test_a_conflict_leads_to_one_complete_new_decision():
    run = world(None, secret({"u": "old"}))
    run.fail("update", ConflictError("changed", status=409), times=1)
    assert (run.run().decision, run.data()) == (Decision.UPDATE, {"u": "v"})
    assert run.reads == 2


def test_a_second_conflict_fails_the_round():
    run = world(None, secret({"u": "old"}))
    run.fail("update", ConflictError("changed", status=409))
    plan = run.run()
    assert (plan.decision, plan.outcome) == (Decision.REJECTED, Retry("changed"))
    assert statuses(run) == [("update_operation", "Failed")]
    assert (run.reads, run.data()) == (2, {"u": "old"})


def test_a_target_that_vanished_before_the_update_is_created():
    run = world(None, secret({"u": "old"}))
    run.before("update", lambda: run.cluster.delete(run.secret()))
    assert (run.run().decision, run.data()) == (Decision.CREATE, {"u": "v"})


@pytest.mark.parametrize(
    "error", [AccessError("no", status=403), RejectedError("no", status=422), UnavailableError("no", status=503)]
)
def test_any_other_refusal_is_reported_and_retried(error):
    run = world()
    run.fail("create", error)
    plan = run.run()
    assert (plan.decision, plan.outcome, plan.secret) == (Decision.REJECTED, Retry("no"), None)
    assert statuses(run) == [("update_operation", "Failed")]


def test_a_status_that_cannot_be_written_is_logged_and_changes_nothing(caplog):
    run = world()
    run.fail("set_status", UnavailableError("no status today", status=503))
    with caplog.at_level(logging.WARNING):
        plan = run.run()
    assert (plan.decision, run.data()) == (Decision.CREATE, {"u": "v"})
    assert isinstance(plan.outcome, Done)
    assert "no status today" in caplog.text


def test_without_books_neither_status_nor_finalizers_are_written():
    run = world()
    run.run(keeps_books=lambda _: False)
    assert run.calls == ["create"]


# -- deletion


def deleted(*objects, **spec):
    return world(external(source("a", "u"), meta={**DELETED, "finalizers": ("other", FINALIZER)}, **spec), *objects)


def test_clean_up_deletes_the_target_and_then_removes_our_finalizer_only():
    run = deleted(secret({"u": "1"}))
    plan = run.run()
    assert plan.decision is Decision.CLEANUP
    assert run.data() is None
    assert run.external().metadata.finalizers == ("other",)
    assert run.calls == ["set_status", "delete", "set_finalizers"]
    assert run.reads == 0


def test_clean_up_without_a_target_just_releases():
    run = deleted()
    assert run.run().outcome == Done(None)
    assert run.external().metadata.finalizers == ("other",)


def test_a_target_that_cannot_be_deleted_keeps_the_finalizer():
    run = deleted(secret({"u": "1"}))
    run.fail("delete", AccessError("not allowed", status=403))
    assert run.run().outcome == Retry("not allowed")
    assert FINALIZER in run.external().metadata.finalizers


def test_a_finalizer_that_cannot_be_removed_is_an_error_and_the_retry_succeeds():
    run = deleted(secret({"u": "1"}))
    run.fail("set_finalizers", UnavailableError("not now", status=503), times=1)
    assert run.run().outcome == Retry("not now")
    assert run.run().outcome == Done(None)
    assert FINALIZER not in run.external().metadata.finalizers


def test_clean_up_never_deletes_what_no_round_may_write():
    run = deleted(secret({"u": "1"}, type="kubernetes.io/service-account-token"))
    run.run()
    assert run.data() == {"u": "1"}
    assert FINALIZER not in run.external().metadata.finalizers


def test_clean_up_of_an_object_that_is_gone_is_fine():
    run = deleted()
    obj = run.external()
    run.cluster.delete(run.cluster.set_finalizers(obj, ()))
    assert run.run(obj).outcome == Done(None)


def test_total_failure_with_the_flag_deletes_what_was_read_and_nothing_newer():
    run = world(None, secret({"u": "1"}), nothing="x")
    run.settings = run.settings.replaced({"cleanup_secret_on_failure": True})
    assert (run.run().decision, run.data()) == (Decision.DELETE, None)


def test_the_executor_takes_no_decision_of_its_own():
    run = world(external(source("a", "u"), template=templated({"k": "{{ .u }}"})))
    plan = run.plan()
    executor = Executor(run, run)
    assert executor.write(plan).secret == plan.secret
    assert plain(run.secret().data) == {"k": "v"}
    assert isinstance(run.cluster.get(ExternalSecret, "shop", "es"), ExternalSecret)
    assert msgspec.structs.replace(plan.secret, metadata=run.secret().metadata) == run.secret()


def test_every_error_of_the_tree_is_handled_or_a_conflict():
    for kind in (ClusterError, NotFoundError, AccessError, RejectedError, UnavailableError):
        run = world(None, secret({"u": "old"}))
        run.fail("update", kind("no", status=500))
        assert run.run().decision is Decision.REJECTED
        assert isinstance(run.cluster.get(Secret, "shop", "es"), Secret)
