"""Passes over a ClusterExternalSecret against a cluster in memory: what is written, and what a refused write leaves behind."""

import msgspec
import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.expansion import ExpansionExecutor, Expansions
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Done, Retry
from kubectl_asm.errors import AccessError, NotFoundError, UnavailableError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, Namespace
from kubectl_asm.model.stores import ClusterExternalSecret
from tests.unit.engine.worlds import NOW, cluster, obj, settings


class Refusing:
    """A cluster that refuses some calls: (verb, kind, namespace)."""

    def __init__(self, inner: MemoryCluster, *refused):
        self.inner, self.refused = inner, refused

    def _check(self, verb, kind, namespace=""):
        if (verb, kind, namespace) in self.refused:
            raise (UnavailableError("down", status=500) if verb == "list" else AccessError("no", status=403))

    def list(self, kind, namespace="", *, label_selector=""):
        self._check("list", kind.RESOURCE.kind)
        return self.inner.list(kind, namespace, label_selector=label_selector)

    def apply(self, one, *, force):
        self._check("apply", one.RESOURCE.kind, one.namespace)
        return self.inner.apply(one, force=force)

    def delete(self, one):
        self._check("delete", one.RESOURCE.kind, one.namespace)
        self.inner.delete(one)

    def set_finalizers(self, one, finalizers):
        self._check("finalizers", one.RESOURCE.kind)
        return self.inner.set_finalizers(one, finalizers)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def world(*objects):
    return cluster(*(obj("Namespace", name) for name in "abz"), *objects, strict_namespaces=True)


def parent(metadata=None, status=None, **spec):
    body = {"externalSecretSpec": {"data": [{"key": "k"}]}, "conditions": [{"namespaces": ["a", "b"]}], **spec}
    return obj("ClusterExternalSecret", "fan", metadata={"uid": "ces", **(metadata or {})}, spec=body, status=status or {})


def run(inner, *refused, executor=None, **changes):
    faulty = Refusing(inner, *refused)
    now = inner.get(ClusterExternalSecret, "", "fan")
    plan = Expansions(faulty, References(faulty), settings(**changes)).plan(now)
    return ExpansionExecutor(faulty, faulty, settings(**changes), lambda: NOW, **(executor or {})).run(plan)


def children(inner):
    return [(item.namespace, item.name) for item in inner.list(ExternalSecret)]


def stored(inner):
    return inner.get(ClusterExternalSecret, "", "fan")


def test_children_appear_and_a_second_pass_changes_nothing():
    inner = world(parent())
    assert run(inner).provisioned == ("a", "b")
    assert children(inner) == [("a", "fan"), ("b", "fan")]
    assert (stored(inner).metadata.finalizers, stored(inner).status.provisioned_namespaces) == ((FINALIZER,), ("a", "b"))
    before = inner.objects()
    run(inner)
    assert inner.objects() == before


def test_a_refused_apply_fails_its_namespace_only():
    inner = world(parent())
    done = run(inner, ("apply", "ExternalSecret", "a"))
    assert (done.provisioned, [item.namespace for item in done.failed], type(done.outcome)) == (("b",), ["a"], Done)


@pytest.mark.parametrize(("replaces", "leftover"), [(True, ""), (False, "Opaque")])
def test_leftovers_of_others_in_the_spec(replaces, leftover):
    theirs = obj(
        "ExternalSecret", "fan", "a", metadata={"labels": {"hand": "made"}}, spec={"type": "Opaque", "data": [{"key": "o"}]}
    )
    inner = world(parent(), theirs)
    run(inner, ces_replace_leftovers=replaces)
    found = inner.get(ExternalSecret, "a", "fan")
    assert (found.spec.type, [source.key for source in found.spec.data]) == (leftover, ["k"])
    assert found.metadata.labels == {"hand": "made"}


def test_when_the_cluster_cannot_be_listed_nothing_is_touched():
    inner = world(parent())
    run(inner)
    for kind in (Namespace, ExternalSecret):
        done = run(inner, ("list", kind.RESOURCE.kind, ""))
        assert type(done.outcome) is Retry
        assert (len(children(inner)), stored(inner).status.provisioned_namespaces) == (2, ("a", "b"))
        assert stored(inner).status.conditions[0].status == "False"


def test_a_refused_finalizer_stops_the_pass():
    inner = world(parent())
    assert type(run(inner, ("finalizers", "ClusterExternalSecret", "")).outcome) is Retry
    assert children(inner) == []


def test_an_old_child_stays_until_its_successor_is_there():
    inner = world(parent())
    run(inner)
    inner.load([msgspec.structs.replace(stored(inner), spec=parent(externalSecretName="new").spec)])
    run(inner, ("apply", "ExternalSecret", "a"))
    assert children(inner) == [("a", "fan"), ("b", "new")]
    assert stored(inner).status.external_secret_name == "fan"


def test_narrowing_removes_children_or_lists_them_without_prune():
    inner = world(parent())
    run(inner)
    inner.load([msgspec.structs.replace(stored(inner), spec=parent(conditions=[{"namespaces": ["a"]}]).spec)])
    listed = run(inner, executor={"prunes": lambda _removal: False})
    assert ([item.external.namespace for item in listed.left], listed.provisioned) == (["b"], ("a", "b"))
    assert run(inner).provisioned == ("a",)
    assert children(inner) == [("a", "fan")]


def test_without_books_neither_status_nor_finalizer_is_written():
    inner = world(parent())
    run(inner, executor={"keeps_books": False})
    assert (len(children(inner)), stored(inner).metadata.finalizers, stored(inner).status) == (2, (), parent().status)


def deleted():
    inner = world(parent())
    run(inner)
    inner.delete(stored(inner))
    return inner


def test_deleting_takes_the_children_first():
    inner = deleted()
    run(inner)
    assert children(inner) == []
    with pytest.raises(NotFoundError):
        stored(inner)


def test_a_refused_delete_keeps_the_finalizer_unless_upstream_is_asked_for():
    inner = deleted()
    assert type(run(inner, ("delete", "ExternalSecret", "b")).outcome) is Retry
    assert (children(inner), stored(inner).metadata.finalizers) == ([("b", "fan")], (FINALIZER,))
    run(inner, ("delete", "ExternalSecret", "b"), ces_delete_by_name=True)
    with pytest.raises(NotFoundError):
        stored(inner)
