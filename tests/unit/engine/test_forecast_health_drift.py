"""What is known without values: keys to come, health from a status, differences key by key."""

from __future__ import annotations

import pytest

from kubectl_asm.engine.drift import Change, Drift, KeyChange, compare, drift_of
from kubectl_asm.engine.forecast import KeySet, raw_keys, target_keys
from kubectl_asm.engine.health import State, health_of
from kubectl_asm.model.externalsecret import SyncResult, Template, TemplateFrom, TemplateItem, TemplateSource
from tests.unit.engine.rounds import FAILED, SEED, external, extract, round_of, secret, source, templated

# -- forecast


def test_plain_entries_are_known_and_queries_and_extracts_are_open():
    assert raw_keys(external(source("b"), source("a", "x"))) == KeySet(("b", "x"))
    assert raw_keys(external(source("a", paths=[("p", "x"), ("q", "")]))) == KeySet(("a", "x"), True)
    assert raw_keys(external(source("a"), extracts=[extract("d")])) == KeySet(("a",), True)


@pytest.mark.parametrize(
    "template",
    [
        Template(),
        Template(data={"o": "1"}),
        Template(data={"o": "1"}, merge_policy="Merge"),
        Template(template_from=(TemplateFrom(literal="x"),)),
        Template(template_from=(TemplateFrom(),)),
        Template(template_from=(TemplateFrom(literal="x", target="Labels"),)),
    ],
)
def test_a_forecast_agrees_with_the_round(template):
    obj = external(source("a"), template=template)
    plan = round_of(obj, "v")
    assert target_keys(obj) == KeySet(tuple(sorted(plan.secret.data if plan.secret else {})))


def test_split_sources_are_open():
    item = TemplateItem("k", "KeysAndValues")
    template = Template(template_from=(TemplateFrom(config_map=TemplateSource("cm", (item, TemplateItem("whole")))),))
    assert target_keys(external(template=template)) == KeySet(("whole",), True)


# -- health


def health(*results, exists=True, **meta):
    return health_of(external(source(), status=results, meta=meta), exists).state


OK = SyncResult(status="Succeeded", time="2026-01-01T00:00:00Z")
LOST = SyncResult("k", "Failed", "gone", "2026-01-02T00:00:00Z")


def test_states():
    assert health() is State.PENDING
    assert health(OK) is State.SYNCED
    assert health(OK, exists=None) is State.SYNCED
    assert health(OK, exists=False) is State.STALE
    assert health(LOST) is State.STALE
    assert health(LOST, exists=False) is State.FAILING
    assert health(SyncResult("update_operation", "Failed", "no")) is State.FAILING
    assert health(SyncResult("zero_output_guard", "Failed", "no")) is State.STALE
    assert health(OK, SyncResult("template_processing_warnings", "Failed", "w")) is State.STALE
    assert health(LOST, deletion_timestamp="2026-01-01T00:00:00Z") is State.DELETING


def test_the_reason_is_the_first_failure_and_the_time_the_latest():
    found = health_of(external(source(), status=(LOST, SyncResult("m", "Failed", "x"))), True)
    assert (found.reason, found.recorded) == ("k: gone (+1 more)", "2026-01-02T00:00:00Z")


def test_a_notice_is_shown_beside_success():
    notice = SyncResult("cluster_secret_store_controller_disabled", "Warning", "stores are frozen")
    assert health_of(external(source(), status=(OK, notice)), True).reason == "stores are frozen"


# -- drift


def test_a_plan_that_writes_nothing_changes_nothing():
    same = round_of(external(source("a")), "v", current=secret({"a": "v"}))
    assert drift_of(same) == Drift(Change.NONE)
    assert drift_of(round_of(external(source("a")), FAILED, current=secret({"a": "v"}))) == Drift(Change.NONE)


def test_creation_update_and_deletion():
    created = drift_of(round_of(external(source("a")), "v"))
    assert created == Drift(Change.CREATE, (("a", KeyChange.ADD),))
    updated = drift_of(round_of(external(source("a"), source("b")), "v", "x", current=secret({"a": "v", "b": "y", "c": "z"})))
    assert updated.change is Change.UPDATE
    assert updated.keys == (("a", KeyChange.SAME), ("b", KeyChange.CHANGE), ("c", KeyChange.REMOVE))
    cleanup = SEED.replaced({"cleanup_secret_on_failure": True})
    gone = drift_of(round_of(external(source("a")), FAILED, current=secret({"b": "", "a": ""}), settings=cleanup))
    assert gone == Drift(Change.DELETE, (("a", KeyChange.REMOVE), ("b", KeyChange.REMOVE)))


def test_metadata_differences_are_listed_by_path():
    obj = external(source("a"), template=templated({"a": "{{ .a }}"}))
    found = drift_of(round_of(obj, "v", current=secret({"a": "v"}, meta={"labels": {"keep": "1"}})))
    assert found.change is Change.UPDATE
    assert found.keys == (("a", KeyChange.SAME),)
    assert [change for _, change in found.metadata] == [KeyChange.ADD]


def test_nothing_against_nothing():
    assert compare(None, None) == Drift(Change.NONE)
    assert compare(secret({"a": "1"}), secret({"a": "1"})).change is Change.NONE
