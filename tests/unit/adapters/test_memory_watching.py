"""MemoryCluster as an ObjectWatcher: what is told, in which order, and that whoever is told may write."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.errors import ConflictError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import FINALIZER, Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def cluster(*objects):
    return MemoryCluster(objects, now=lambda: NOW)


def secret(name="db", value="1"):
    return Secret(metadata=Meta(name=name, namespace="shop"), data={"a": SecretBytes.of_text(value)})


def external(name="es", **meta):
    return ExternalSecret(metadata=Meta(name=name, namespace="shop", **meta))


class Listener:
    """Keeps what it was told."""

    def __init__(self):
        self.told = []

    def __call__(self, old, new):
        self.told.append((old, new))

    @property
    def words(self):
        return [("+" if old is None else "-" if new is None else "~") + (new or old).name for old, new in self.told]


def test_nothing_is_told_before_start_and_then_everything_that_exists():
    memory, listener = cluster(secret("b")), Listener()
    memory.subscribe(Secret, listener)
    memory.create(secret("a"))
    assert listener.told == []
    memory.start()
    assert listener.words == ["+a", "+b"]
    memory.start()
    assert listener.words == ["+a", "+b"]


def test_a_late_subscriber_is_told_what_exists():
    memory, listener = cluster(secret()), Listener()
    memory.start()
    memory.subscribe(Secret, listener)
    assert listener.words == ["+db"]


def test_every_write_is_told_before_it_returns_with_both_versions():
    memory, listener = cluster(), Listener()
    memory.subscribe(Secret, listener)
    memory.start()
    first = memory.create(secret())
    second = memory.update(msgspec.structs.replace(first, data={}))
    memory.delete(second)
    assert listener.told == [(None, first), (first, second), (second, None)]


def test_a_write_that_changes_nothing_is_not_told():
    memory, listener = cluster(secret()), Listener()
    memory.start()
    memory.subscribe(Secret, listener)
    memory.update(memory.get(Secret, "shop", "db"))
    assert listener.words == ["+db"]


def test_a_refused_write_is_not_told():
    memory, listener = cluster(secret()), Listener()
    stale = memory.get(Secret, "shop", "db")
    memory.update(msgspec.structs.replace(stale, data={}))
    memory.start()
    memory.subscribe(Secret, listener)
    with pytest.raises(ConflictError):
        memory.update(stale)
    assert listener.words == ["+db"]


def test_an_object_with_a_finalizer_changes_first_and_vanishes_later():
    memory, listener = cluster(external(finalizers=(FINALIZER,))), Listener()
    memory.start()
    memory.subscribe(ExternalSecret, listener)
    memory.delete(memory.get(ExternalSecret, "shop", "es"))
    memory.set_finalizers(memory.get(ExternalSecret, "shop", "es"), ())
    assert listener.words == ["+es", "~es", "-es"]


def test_an_applied_object_appears_once():
    memory, listener = cluster(), Listener()
    memory.subscribe(ExternalSecret, listener)
    memory.start()
    applied = memory.apply(external(labels={"app": "web"}), force=True)
    assert listener.told == [(None, applied)]
    assert [(field.manager, field.operation) for field in applied.metadata.managed_fields] == [("kubectl-asm", "Apply")]


def test_only_the_subscribed_kind_is_told():
    memory, listener = cluster(), Listener()
    memory.subscribe(ExternalSecret, listener)
    memory.start()
    memory.create(secret())
    assert listener.told == []


def test_what_a_subscriber_writes_is_told_after_it_returned_and_in_order():
    memory, order = cluster(), []

    def writes_a_status(old, new):
        order.append(f"begin {new.metadata.resource_version}")
        if not new.status.data_sync_results:
            memory.set_status(new, ExternalSecretStatus((SyncResult(status="x"),)))
        order.append(f"end {new.metadata.resource_version}")

    memory.subscribe(ExternalSecret, writes_a_status)
    memory.start()
    memory.create(external())
    assert order == ["begin 1", "end 1", "begin 2", "end 2"]
