"""Letting objects go: one finalizer comes off, nothing else changes, and every Secret stays."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.release import release_all
from kubectl_asm.engine.release import releases_of
from kubectl_asm.errors import AccessError, ConflictError, NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, Meta, Secret
from kubectl_asm.model.stores import ClusterSecretStore, SecretStore

OTHERS = "example.com/audit"


def external(name="db", *, finalizers=(FINALIZER,), **metadata):
    return ExternalSecret(metadata=Meta(name=name, namespace="shop", finalizers=finalizers, **metadata))


class Cluster(MemoryCluster):
    """A cluster whose next writes of finalizers fail with what is in failures."""

    def __init__(self, *objects):
        super().__init__(objects, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
        self.failures = []

    def set_finalizers(self, obj, finalizers):
        if self.failures:
            raise self.failures.pop(0)
        return super().set_finalizers(obj, finalizers)

    def released(self):
        return release_all(releases_of(self.list(ExternalSecret)), self, self, concurrency=2)


def test_only_objects_with_the_finalizer_are_held():
    store = SecretStore(metadata=Meta(name="kms", namespace="shop", finalizers=(FINALIZER, OTHERS)))
    free = ClusterSecretStore(metadata=Meta(name="kms", finalizers=(OTHERS,)))
    held = releases_of([external(), external("free", finalizers=()), free, store])
    assert [(str(one.obj.ref), one.finalizers) for one in held] == [
        ("ExternalSecret shop/db", ()),
        ("SecretStore shop/kms", (OTHERS,)),
    ]


def test_a_release_names_the_secret_that_stays():
    custom = msgspec.structs.replace(external(), spec=msgspec.convert({"target": {"name": "login"}}, type(external().spec)))
    store = SecretStore(metadata=Meta(name="kms", namespace="shop", finalizers=(FINALIZER,)))
    assert [one.secret for one in releases_of([external("a"), custom, store])] == ["a", "login", ""]


def test_an_object_in_deletion_ends_unless_somebody_else_holds_it():
    going = {"deletion_timestamp": "2026-01-01T00:00:00Z"}
    held = releases_of([external("a", **going), external("b", finalizers=(FINALIZER, OTHERS), **going), external("c")])
    assert [one.ends for one in held] == [True, False, False]


def test_the_finalizers_of_others_and_the_secret_stay():
    secret = Secret(metadata=Meta(name="db", namespace="shop"))
    cluster = Cluster(external(finalizers=(OTHERS, FINALIZER)), secret)
    (done,) = cluster.released()
    assert done.error == ""
    assert cluster.get(ExternalSecret, "shop", "db").metadata.finalizers == (OTHERS,)
    assert cluster.get(Secret, "shop", "db").name == "db"


def test_an_object_that_changed_meanwhile_is_read_again():
    cluster = Cluster(external())
    cluster.failures = [ConflictError("changed", status=409)]
    (done,) = cluster.released()
    assert done.error == ""
    assert cluster.get(ExternalSecret, "shop", "db").metadata.finalizers == ()


def test_an_object_that_never_holds_still_is_a_failure():
    cluster = Cluster(external())
    cluster.failures = [ConflictError("changed", status=409)] * 99
    (done,) = cluster.released()
    assert "too often" in done.error


def test_an_object_that_is_gone_is_free():
    cluster = Cluster(external())
    cluster.failures = [NotFoundError("gone", status=404)]
    (done,) = cluster.released()
    assert done.error == ""


def test_one_refusal_leaves_the_others_alone():
    cluster = Cluster(external("a"), external("b"))
    cluster.failures = [AccessError("may not patch", status=403)]
    errors = sorted(done.error for done in cluster.released())
    assert errors == ["", "may not patch"]
