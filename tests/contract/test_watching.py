"""One contract of ObjectWatcher, for memory and the watches of a real API server.

What one process writes is told sooner or later: the tests wait for it, up to a bound. In memory there is nothing to wait for.
"""

from __future__ import annotations

import time

import pytest

from kubectl_asm.errors import NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import FINALIZER, ConfigMap, Meta, Secret, ServiceAccount
from tests.contract.builders import changed, external, secret, texts, with_meta

PATIENCE_S = 10.0


class Listener:
    """What was told of the objects of one namespace, in order."""

    def __init__(self, namespace):
        self._namespace = namespace
        self.told = []

    def __call__(self, old, new):
        if (new or old).namespace == self._namespace:
            self.told.append((old, new))

    def words(self):
        return [("+" if old is None else "-" if new is None else "~") + (new or old).name for old, new in self.told]

    def hears(self, *words):
        """Wait until the last words are these."""
        deadline = time.monotonic() + PATIENCE_S
        while self.words()[-len(words) :] != list(words):
            assert time.monotonic() < deadline, f"told {self.words()}, not {words}"
            time.sleep(0.01)


@pytest.fixture
def listener(watched):
    return Listener(watched.namespace)


def test_what_exists_is_told_after_start_and_not_before(watched, listener):
    watched.writer.create(external(watched, "b"))
    watched.watcher.subscribe(ExternalSecret, listener)
    watched.writer.create(external(watched, "a"))
    assert listener.words() == []
    watched.watcher.start()
    listener.hears("+a", "+b")


def test_a_late_subscriber_is_told_what_exists(watched, listener):
    watched.writer.create(external(watched))
    first = Listener(watched.namespace)
    watched.watcher.subscribe(ExternalSecret, first)
    watched.watcher.start()
    first.hears("+es")
    watched.watcher.subscribe(ExternalSecret, listener)
    assert listener.words() == ["+es"]


def test_a_change_is_told_with_both_sides(watched, listener):
    watched.watcher.subscribe(ExternalSecret, listener)
    watched.watcher.start()
    created = watched.writer.create(external(watched))
    listener.hears("+es")
    watched.writer.update(changed(created, spec=changed(created.spec, rotation_interval="5m")))
    listener.hears("~es")
    old, new = listener.told[-1]
    assert (old.spec.rotation_interval, new.spec.rotation_interval) == ("", "5m")
    assert old.metadata.resource_version != new.metadata.resource_version
    assert new.metadata.generation == 2


def test_an_object_that_goes_is_told_with_what_it_was(watched, listener):
    watched.watcher.subscribe(ExternalSecret, listener)
    watched.watcher.start()
    created = watched.writer.create(external(watched))
    listener.hears("+es")
    watched.writer.delete(created)
    listener.hears("-es")
    assert listener.told[-1][0].spec == created.spec


def test_a_finalizer_makes_deletion_a_change(watched, listener):
    watched.watcher.subscribe(ExternalSecret, listener)
    watched.watcher.start()
    created = watched.writer.create(external(watched, meta={"finalizers": (FINALIZER,)}))
    listener.hears("+es")
    watched.writer.delete(created)
    listener.hears("~es")
    assert listener.told[-1][1].metadata.is_deleting
    watched.writer.set_finalizers(watched.reader.get(ExternalSecret, watched.namespace, "es"), ())
    listener.hears("-es")


def test_a_successor_of_the_same_name_is_not_taken_for_the_object(watched, listener):
    watched.watcher.subscribe(Secret, listener)
    watched.watcher.start()
    for value in ("1", "2"):
        created = watched.writer.create(secret(watched, data={"a": value}))
        listener.hears("+db")
        watched.writer.delete(created)
        listener.hears("-db")
    assert len({old.metadata.uid for old, new in listener.told if new is None}) == 2


def test_a_changed_secret_is_told_by_its_version(watched, listener):
    watched.watcher.subscribe(Secret, listener)
    watched.watcher.start()
    created = watched.writer.create(secret(watched))
    listener.hears("+db")
    updated = watched.writer.update(changed(created, data=texts(a="2")))
    listener.hears("~db")
    assert listener.told[-1][1].metadata.resource_version == updated.metadata.resource_version


def test_kinds_on_demand_are_told_once_they_are_needed(watched, listener):
    watched.watcher.subscribe(ConfigMap, listener)
    watched.watcher.subscribe(ServiceAccount, listener)
    watched.watcher.start()
    watched.writer.create(ConfigMap(metadata=Meta(name="c", namespace=watched.namespace), data={"a": "1"}))
    watched.watcher.need(ConfigMap)
    watched.watcher.need(ConfigMap)
    listener.hears("+c")


def test_a_subscriber_may_read_and_write(watched, listener):
    seen = []

    def writes_a_status(old, new):
        if new is not None and new.namespace == watched.namespace and not new.status.data_sync_results:
            seen.append(watched.reader.get(ExternalSecret, new.namespace, new.name))
            watched.writer.set_status(new, ExternalSecretStatus((SyncResult(status="x"),)))

    watched.watcher.subscribe(ExternalSecret, writes_a_status)
    watched.watcher.subscribe(ExternalSecret, listener)
    watched.watcher.start()
    watched.writer.create(external(watched))
    listener.hears("~es")
    assert [found.name for found in seen] == ["es"]


# -- reading while watching: what was written is seen at once, however far the watch is


def test_every_write_is_read_back_at_once(watched):
    watched.watcher.start()
    reader, writer, namespace = watched.reader, watched.writer, watched.namespace
    for _ in range(20):
        with pytest.raises(NotFoundError):
            reader.get(Secret, namespace, "db")
        created = writer.create(secret(watched))
        assert reader.get(Secret, namespace, "db").data == texts(a="1")
        updated = writer.update(changed(created, data=texts(a="2")))
        assert reader.get(Secret, namespace, "db").data == texts(a="2")
        writer.delete(updated)


def test_finalizers_and_status_are_read_back_at_once(watched):
    watched.watcher.start()
    reader, writer, namespace = watched.reader, watched.writer, watched.namespace
    writer.create(external(watched))
    for number in range(20):
        found = writer.set_finalizers(reader.get(ExternalSecret, namespace, "es"), (FINALIZER,) if number % 2 else ())
        assert reader.get(ExternalSecret, namespace, "es").metadata.finalizers == found.metadata.finalizers
        writer.set_status(found, ExternalSecretStatus((SyncResult(status=str(number)),)))
        found = reader.get(ExternalSecret, namespace, "es")
        assert found.status.data_sync_results[0].status == str(number)
        assert [one.status for one in reader.list(ExternalSecret, namespace)] == [found.status]


def test_an_object_whose_last_finalizer_went_is_gone_at_once(watched):
    watched.watcher.start()
    created = watched.writer.create(external(watched, meta={"finalizers": (FINALIZER,)}))
    watched.writer.delete(created)
    watched.writer.set_finalizers(watched.reader.get(ExternalSecret, watched.namespace, "es"), ())
    with pytest.raises(NotFoundError):
        watched.reader.get(ExternalSecret, watched.namespace, "es")
    assert watched.reader.list(ExternalSecret, watched.namespace) == []


def test_labels_select_among_what_is_watched(watched):
    watched.watcher.start()
    for name in ("a", "b"):
        created = watched.writer.create(external(watched, name))
        if name == "b":
            watched.writer.update(with_meta(created, labels={"app": "web"}))
    assert [one.name for one in watched.reader.list(ExternalSecret, watched.namespace, label_selector="app")] == ["b"]
