"""One scenario through planning (render, diff) and running (sync, serve): equal Plans, and the cluster holds what they say."""

from __future__ import annotations

import msgspec
import pytest

from kubectl_asm.engine.plan import Decision
from kubectl_asm.model.externalsecret import SyncResult, TemplateMetadata
from kubectl_asm.model.objects import FINALIZER, Meta, Namespace, NamespaceStatus, Secret
from tests.unit.app.passes import World
from tests.unit.engine.rounds import FAILED, external, extract, plain, secret, source, templated

MANAGED = {"finalizers": (FINALIZER,)}
VALUES = {"a": "1", "b": "2", "doc": '{"x":"y"}', "bad": FAILED}


def obj(*data, **fields):
    meta = {**MANAGED, **fields.pop("meta", {})}
    return external(*data, meta=meta, **fields)


DELETED = {"deletion_timestamp": "2026-01-01T00:00:00Z"}
LABELLED = templated({"k": "{{ .a }}"}, metadata=TemplateMetadata(labels={"l": "{{ .b }}"}))

SCENARIOS = {
    "create": (obj(source("a"), extracts=[extract("doc")]), []),
    "update": (obj(source("a")), [secret({"a": "old", "z": "1"})]),
    "in-sync": (obj(source("a"), status=[SyncResult(status="Succeeded", time="2026-01-01T00:00:00Z")]), [secret({"a": "1"})]),
    "merge": (obj(source("a"), source("bad")), [secret({"a": "old", "bad": "kept", "z": "1"})]),
    "skip": (obj(source("bad")), [secret({"bad": "kept"})]),
    "guard": (obj(), [secret({"bad": "kept"})]),
    "template": (obj(source("a"), source("b"), template=LABELLED), [secret({"k": "old"}, meta={"labels": {"keep": "1"}})]),
    "template-partial": (obj(source("a"), source("bad"), template=LABELLED), [secret({"k": "old"})]),
    "template-fatal": (obj(source("a"), template=templated({"k": "{{"})), []),
    "template-warning": (obj(source("a"), template=templated({"k": "{{ .a.b }}", "ok": "1"})), []),
    "foreign": (obj(source("a")), [secret({"a": "x"}, type="helm.sh/release.v1")]),
    "provider": (obj(source("a"), provider="vault"), []),
    "terminating": (obj(source("a")), [Namespace(metadata=Meta(name="shop"), status=NamespaceStatus("Terminating"))]),
    "cleanup": (obj(source("a"), meta=DELETED), [secret({"a": "1"})]),
    "unmanaged-deletion": (external(source("a"), meta={**DELETED, "finalizers": ("other",)}), [secret({"a": "1"})]),
}


def world(name):
    found, objects = SCENARIOS[name]
    return World(found, *objects, values=VALUES)


@pytest.mark.parametrize("name", SCENARIOS)
def test_planning_and_running_decide_alike(name):
    planned, run = world(name), world(name)
    assert planned.plan() == run.run()


@pytest.mark.parametrize("name", SCENARIOS)
def test_planning_writes_nothing(name):
    planned = world(name)
    before = planned.cluster.objects()
    planned.plan()
    assert planned.calls == []
    assert planned.cluster.objects() == before


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_cluster_holds_what_the_plan_says(name):
    run = world(name)
    held = run.data()
    plan = run.run()
    if plan.delete is not None:
        assert run.data() is None
    elif plan.secret is None:
        assert run.data() == held
    else:
        assert run.data() == plain(plan.secret.data)
        stored = run.secret()
        assert stored.type == plan.secret.type
        assert stored.metadata.labels == plan.secret.metadata.labels
        assert stored.metadata.annotations == plan.secret.metadata.annotations


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_second_run_with_the_same_values_writes_no_secret(name):
    run = world(name)
    first = run.run()
    if first.decision is Decision.CLEANUP:
        return
    kept = run.cluster.list(Secret)
    run.calls.clear()
    run.run()
    assert [call for call in run.calls if call != "set_status"] == []
    assert run.cluster.list(Secret) == kept


def test_the_first_round_of_a_new_object_differs_by_its_finalizer_alone():
    planned, run = (World(external(source("a")), values=VALUES) for _ in range(2))
    plan, done = planned.plan(), run.run()
    assert (plan.add_finalizer, done.add_finalizer) == (True, False)
    assert done.external.metadata.finalizers == (FINALIZER,)
    assert (plan.secret, plan.data_status, plan.entries) == (done.secret, done.data_status, done.entries)


def test_the_same_instant_reaches_every_template_of_a_round():
    template = templated({"one": "{{ now | unixEpoch }}", "two": "{{ now | unixEpoch }}"})
    planned, run = (World(obj(source("a"), template=template), values=VALUES) for _ in range(2))
    plan = planned.plan()
    assert plain(plan.secret.data)["one"] == plain(plan.secret.data)["two"] == str(int(planned.clock.instant().timestamp()))
    assert run.run().secret == plan.secret


def test_a_live_change_between_plan_and_run_is_decided_again():
    run = world("update")
    run.before("update", lambda: run.cluster.update(msgspec.structs.replace(run.secret(), data={})))
    assert run.run().decision is Decision.UPDATE
    assert run.data() == {"a": "1"}
