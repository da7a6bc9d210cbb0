"""ClusterExternalSecrets: selection, access, children, Plans and status (cluster-resources.md)."""

from datetime import timedelta

import msgspec
import pytest

from kubectl_asm.engine.expand import child_in, expand_offline, is_owned, selects
from kubectl_asm.engine.expand_plan import Step, begin, plan_cleanup, plan_expansion
from kubectl_asm.engine.expand_status import next_status
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Done, Retry
from kubectl_asm.model.objects import FINALIZER, ObjectRef
from kubectl_asm.model.stores import ClusterExternalSecretStatus, FailedNamespace, StoreCondition
from tests.unit.engine.worlds import NOW, cluster, cluster_store, obj, settings

DATA = {"data": [{"key": "k"}]}


def parent(metadata=None, status=None, data=None, **spec):
    metadata = {"uid": "ces", "finalizers": [FINALIZER], **(metadata or {})}
    body = {"externalSecretSpec": {"data": data} if data else DATA, **spec}
    return obj("ClusterExternalSecret", "fan", metadata=metadata, spec=body, status=status or {})


def namespace(name, phase="Active", **labels):
    return obj("Namespace", name, metadata={"labels": labels}, status={"phase": phase})


def child(place, name="fan", uid="ces", **spec):
    owner = {"kind": "ClusterExternalSecret", "name": "fan", "uid": uid, "controller": True}
    return obj("ExternalSecret", name, place, metadata={"ownerReferences": [owner] if uid else []}, spec={**DATA, **spec})


def plan(one, names, children=(), objects=(), **changes):
    existing = {(item.namespace, item.name): item for item in children}
    namespaces = [namespace(name) if isinstance(name, str) else name for name in names]
    return plan_expansion(one, namespaces, existing, References(cluster(*objects)), settings(**changes))


def places(items):
    return [item.namespace for item in items]


def gone(one):
    return [(item.external.namespace, item.external.name) for item in one.removals]


# -- selection

ONE = [{"matchLabels": {"a": "1"}}]
BAD = {"matchExpressions": [{"key": "a", "operator": "in", "values": ["1"]}]}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, "pqr"),
        ({"conditions": [{"namespaces": ["q"]}]}, "q"),
        ({"namespaceSelectors": ONE}, "p"),
        ({"namespaceSelectors": ONE, "conditions": [{"namespaces": ["q"]}]}, "pq"),
        ({"namespaceSelectors": [None]}, ""),
        ({"namespaceSelectors": [None, *ONE]}, "p"),
        ({"namespaceSelectors": [{}]}, "pqr"),
        ({"conditions": [{}]}, ""),
        ({"namespaceSelectors": [*ONE, BAD], "conditions": [{"namespaces": ["q"]}]}, "p"),
        ({"conditions": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "r"}}}]}, "r"),
    ],
)
def test_selectors_and_conditions(spec, wanted):
    one = parent(**spec)
    assert [name for name in "pqr" if selects(one, namespace(name, **({"a": "1"} if name == "p" else {})), settings())] == list(
        wanted
    )


def test_an_invalid_selector_is_passed_over_where_that_is_asked_for():
    one = parent(namespaceSelectors=[BAD], conditions=[{"namespaces": ["q"]}])
    assert selects(one, namespace("q"), settings(invalid_condition="skip"))
    assert not selects(one, namespace("q"), settings())


def test_the_old_defect_selects_everything_when_selectors_miss():
    one = parent(namespaceSelectors=ONE)
    assert selects(one, namespace("q"), settings(ces_empty_conditions="legacy"))
    assert not selects(parent(conditions=[{}]), namespace("q"), settings(ces_empty_conditions="legacy"))


# -- children


def test_children_carry_exactly_what_is_given_and_name_their_parent():
    one = parent(externalSecretName="db", externalSecretMetadata={"labels": {"x": "1"}, "annotations": {"y": "2"}})
    (found,) = expand_offline(one, [namespace("a")], References(cluster()), settings()).children
    made = found.external
    assert found.parent == ObjectRef("ClusterExternalSecret", "", "fan")
    assert (made.name, made.namespace, made.spec) == ("db", "a", one.spec.external_secret_spec)
    assert (made.metadata.labels, made.metadata.annotations) == ({"x": "1"}, {"y": "2"})
    assert is_owned(made, one)


def test_ownership_is_by_uid():
    assert not is_owned(child("a", uid="other"), parent())
    assert not is_owned(child("a", uid=""), parent())
    assert not is_owned(child_in(parent({"uid": ""}), "a"), parent({"uid": ""}))


REF = {"name": "cs", "kind": "ClusterSecretStore"}


@pytest.mark.parametrize(
    ("ref", "changes", "failed"),
    [
        (None, {}, []),
        ({"name": ""}, {}, []),
        ({"name": "later"}, {}, []),
        ({"name": "s", "namespace": "a"}, {"enable_cross_namespace_secret_store": False}, ["b"]),
        ({"name": "s", "namespace": "a"}, {}, []),
        ({"name": "s", "kind": "Secret"}, {}, ["a", "b"]),
        (REF, {}, ["b"]),
        (REF, {"ignore_access_gates": True}, []),
        ({**REF, "name": "gone"}, {"ignore_access_gates": True}, ["a", "b"]),
    ],
)
@pytest.mark.parametrize("side", ["data", "dataProcess"])
def test_access_is_checked_for_every_store(ref, changes, failed, side):
    source = {"key": "k", **({"secretStoreRef": ref} if ref is not None else {})}
    entries = {"data": [source]} if side == "data" else {"dataProcess": [{"extract": source}]}
    one = parent(externalSecretSpec=entries)
    world = cluster(cluster_store(conditions=[{"namespaces": ["a"]}]))
    expansion = expand_offline(one, [namespace("a"), namespace("b")], References(world), settings(**changes))
    assert places(expansion.failed) == failed


# -- plans


def test_a_pass_applies_deletes_and_comes_back():
    one = parent(status={"provisionedNamespaces": ["a", "z", "y"]}, rotationInterval="90s", conditions=[{"namespaces": ["a"]}])
    found = plan(one, "ayz", [child("a"), child("z"), child("y", uid="")])
    assert (places(found.applies), gone(found)) == (["a"], [("z", "fan")])
    assert found.outcome == Done(timedelta(seconds=90))
    assert plan(one, "a", disable_polling=True).outcome == Done(None)


def test_upstream_deletes_by_name():
    one = parent(status={"provisionedNamespaces": ["z"]}, conditions=[{"namespaces": ["a"]}])
    assert gone(plan(one, "az", [child("z", uid="")], ces_delete_by_name=True)) == [("z", "fan")]


def test_a_refused_namespace_of_the_ledger_loses_its_child():
    one = parent(status={"provisionedNamespaces": ["a"]}, data=[{"key": "k", "secretStoreRef": {**REF, "name": "gone"}}])
    found = plan(one, "ab", [child("a"), child("b")])
    assert (gone(found), places(found.failed)) == ([("a", "fan")], ["a", "b"])


def test_renamed_children_go_after_their_successors_came():
    one = parent(externalSecretName="new", status={"provisionedNamespaces": ["a", "z"], "externalSecretName": "fan"})
    found = plan(one, [namespace("a")], [child("a"), child("z"), child("z", "new")])
    assert [(item.external.ref.namespace, item.external.name, item.after_apply) for item in found.removals] == [
        ("a", "fan", True),
        ("z", "fan", False),
        ("z", "new", False),
    ]
    assert gone(plan(one, "a", [child("a")], ces_delete_by_name=True)) == []


@pytest.mark.parametrize(
    ("uid", "adopt", "is_taken"),
    [("ces", "owned-only", False), ("", "always", False), ("", "owned-only", True), ("rival", "always", True)],
)
def test_taking_over(uid, adopt, is_taken):
    found = plan(parent(), "a", [child("a", uid=uid)], ces_adopt=adopt)
    assert (places(found.applies), places(found.failed)) == (([], ["a"]) if is_taken else (["a"], []))


def test_terminating_namespaces_are_left_alone_and_reported():
    one = parent(status={"provisionedNamespaces": ["b"]})
    found = plan(one, [namespace("a"), namespace("b", "Terminating")], [child("b")])
    assert (places(found.applies), places(found.failed), gone(found)) == (["a"], ["b"], [])


def test_nothing_is_done_outside_the_scope():
    ledger = {"provisionedNamespaces": ["b", "z"]}
    one = parent(status=ledger, conditions=[{"namespaces": ["a", "b"]}])
    children = [child("b"), child("z")]
    excluded = plan(one, "abz", children, exclude_namespaces=("b", "z"))
    assert (places(excluded.applies), gone(excluded), excluded.kept) == (["a"], [("z", "fan")], ("b",))
    unwatched = plan(one, "abz", children, watch_namespaces=("a",))
    assert (places(unwatched.applies), gone(unwatched), unwatched.kept) == (["a"], [], ("b", "z"))


def test_when_nothing_matches_one_entry_says_so_or_every_namespace_is_listed():
    one = parent(conditions=[{"namespaces": ["q"]}])
    quiet, loud = plan(one, "ab"), plan(one, "ab", ces_verbose_failures=True)
    assert (places(quiet.failed), quiet.notice) == ([""], "no namespace matches")
    assert (places(loud.failed), loud.notice) == (["a", "b"], "")
    assert places(plan(parent(), "", ces_verbose_failures=True).failed) == [""]


def test_a_bad_interval_stops_the_pass_and_keeps_everything():
    found = plan(parent(rotationInterval="soon", status={"provisionedNamespaces": ["a"]}), "b", [child("a")])
    assert (found.step, found.removals, type(found.outcome)) == (Step.ABORT, (), Retry)


def test_how_a_pass_begins():
    deleting = {"deletionTimestamp": "2026-03-01T00:00:00Z"}
    assert begin(parent(), settings()) is Step.EXPAND
    assert begin(parent(deleting), settings()) is Step.CLEANUP
    assert begin(parent({**deleting, "finalizers": []}), settings()) is Step.IGNORED
    assert begin(parent(deleting), settings(process_deletions=False)) is Step.IGNORED
    assert begin(parent(), settings(process_cluster_external_secret=False)) is Step.IGNORED
    scoped = {"watch_namespaces": ("a",), "scope_disables_cluster_controllers": True}
    assert begin(parent(), settings(**scoped)) is Step.IGNORED
    assert begin(parent(), settings(scope_disables_cluster_controllers=True)) is Step.EXPAND


def test_cleaning_up_takes_own_children_only_or_everything_of_that_name():
    one = parent(status={"provisionedNamespaces": ["a"]}, conditions=[{"namespaces": ["b"]}])
    existing = {(item.namespace, item.name): item for item in [child("a"), child("b", uid=""), child("c", uid=""), child("d")]}
    namespaces = [namespace(name) for name in "abcd"]
    own = plan_cleanup(one, namespaces, existing, settings())
    assert (gone(own), own.blocks_on_failure) == ([("a", "fan"), ("d", "fan")], True)
    named = plan_cleanup(one, namespaces, existing, settings(ces_delete_by_name=True))
    assert (gone(named), named.blocks_on_failure) == ([("a", "fan"), ("b", "fan")], False)


# -- status


def status_of(one, found, provisioned, failed=(), **changes):
    return next_status(found, provisioned, [FailedNamespace(name, "x") for name in failed], settings(**changes), NOW)


def test_ready_is_false_with_failures_and_names_five_of_them():
    found = plan(parent(), "a")
    status = status_of(parent(), found, ["a"], ["", *"bcdef"])
    (ready,) = status.conditions
    assert (ready.status, ready.message) == ("False", "6 namespaces failed: <cluster-wide>, b, c, d, e, ...")
    assert status_of(parent(), found, ["a"], "b", ces_ready="always").conditions[0].status == "True"


def test_the_transition_time_changes_with_the_word_only():
    old = StoreCondition(type="Ready", status="True", last_transition_time="2026-01-01T00:00:00Z")
    stored = ClusterExternalSecretStatus("fan", ("a",), (), (old,))
    one = msgspec.structs.replace(parent(), status=stored)
    found = plan(one, "a")
    assert status_of(one, found, ("a",)) is None
    assert status_of(one, found, ("a", "b")).conditions == (old,)
    assert status_of(one, found, (), "a").conditions[0].last_transition_time == "2026-03-01T12:00:00Z"
