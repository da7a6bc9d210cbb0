"""The contract, continued: the end of objects, their status, and who manages which field."""

from __future__ import annotations

import pytest

from kubectl_asm.errors import ConflictError, NotFoundError, RejectedError
from kubectl_asm.model.externalsecret import (
    DataSource,
    ExternalSecret,
    ExternalSecretStatus,
    SyncResult,
)
from kubectl_asm.model.objects import FINALIZER, ConfigMap, Meta, Secret
from kubectl_asm.model.stores import Auth, KmsSection, SecretStore, StoreCondition, StoreSpec, StoreStatus
from tests.contract.builders import changed, external, secret, texts, with_meta, without_books

# -- deleting and finalizers


def test_a_deleted_object_is_absent_and_deleting_it_again_is_fine(cluster):
    created = cluster.writer.create(secret(cluster))
    cluster.writer.delete(created)
    cluster.writer.delete(created)
    with pytest.raises(NotFoundError):
        cluster.reader.get(Secret, cluster.namespace, "db")


def test_a_successor_of_the_same_name_is_not_deleted(cluster):
    first = cluster.writer.create(secret(cluster))
    cluster.writer.delete(first)
    cluster.writer.create(secret(cluster))
    with pytest.raises(ConflictError, match=r"the UID in the precondition .* does not match the UID in record"):
        cluster.writer.delete(first)


def test_a_finalizer_holds_a_deleted_object(cluster):
    created = cluster.writer.create(external(cluster, meta={"finalizers": (FINALIZER,)}))
    cluster.writer.delete(created)
    held = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    assert held.metadata.is_deleting
    assert held.metadata.generation == 2


def test_removing_the_last_finalizer_lets_a_deleted_object_go(cluster):
    created = cluster.writer.create(external(cluster, meta={"finalizers": (FINALIZER,)}))
    cluster.writer.delete(created)
    cluster.writer.set_finalizers(cluster.reader.get(ExternalSecret, cluster.namespace, "es"), ())
    with pytest.raises(NotFoundError):
        cluster.reader.get(ExternalSecret, cluster.namespace, "es")


def test_removing_one_of_two_finalizers_keeps_a_deleted_object(cluster):
    created = cluster.writer.create(external(cluster, meta={"finalizers": (FINALIZER, "example.com/other")}))
    cluster.writer.delete(created)
    current = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    assert cluster.writer.set_finalizers(current, ("example.com/other",)).metadata.finalizers == ("example.com/other",)


def test_finalizers_are_added_and_removed(cluster):
    created = cluster.writer.create(external(cluster))
    added = cluster.writer.set_finalizers(created, (FINALIZER,))
    assert added.metadata.finalizers == (FINALIZER,)
    assert added.metadata.generation == 1
    assert cluster.writer.set_finalizers(added, ()).metadata.finalizers == ()


def test_finalizers_of_a_changed_object_conflict(cluster):
    created = cluster.writer.create(external(cluster))
    cluster.writer.update(with_meta(created, labels={"app": "web"}))
    with pytest.raises(ConflictError, match="the object has been modified"):
        cluster.writer.set_finalizers(created, (FINALIZER,))


def test_a_deleted_object_takes_no_new_finalizer(cluster):
    created = cluster.writer.create(external(cluster, meta={"finalizers": (FINALIZER,)}))
    cluster.writer.delete(created)
    current = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    with pytest.raises(RejectedError, match="no new finalizers can be added if the object is being deleted"):
        cluster.writer.set_finalizers(current, (FINALIZER, "example.com/new"))


def test_finalizers_of_an_absent_object_are_not_found(cluster):
    created = cluster.writer.create(external(cluster))
    cluster.writer.delete(created)
    with pytest.raises(NotFoundError):
        cluster.writer.set_finalizers(created, (FINALIZER,))


# -- status


def test_a_status_is_replaced_as_a_whole(cluster):
    created = cluster.writer.create(external(cluster))
    failed = SyncResult("k", "Failed", "no such secret", "2026-03-01T12:00:00Z")
    also = SyncResult("l", "Failed", "throttled", "2026-03-01T12:00:00Z")
    cluster.writer.set_status(created, ExternalSecretStatus((failed, also)))
    assert cluster.reader.get(ExternalSecret, cluster.namespace, "es").status.data_sync_results == (failed, also)
    succeeded = SyncResult(status="Succeeded", time="2026-03-01T12:01:00Z")
    cluster.writer.set_status(created, ExternalSecretStatus((succeeded,)))
    found = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    assert found.status.data_sync_results == (succeeded,)
    assert found.metadata.generation == 1


def test_a_status_is_written_whatever_the_version_that_was_read(cluster):
    created = cluster.writer.create(external(cluster))
    cluster.writer.update(with_meta(created, labels={"app": "web"}))
    cluster.writer.set_status(created, ExternalSecretStatus((SyncResult(status="Succeeded"),)))
    assert cluster.reader.get(ExternalSecret, cluster.namespace, "es").status.data_sync_results[0].status == "Succeeded"


def test_an_equal_status_keeps_the_version(cluster):
    created = cluster.writer.create(external(cluster))
    status = ExternalSecretStatus((SyncResult(status="Succeeded"),))
    cluster.writer.set_status(created, status)
    first = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    cluster.writer.set_status(created, status)
    assert cluster.reader.get(ExternalSecret, cluster.namespace, "es") == first


def test_the_status_of_an_absent_object_is_not_found(cluster):
    created = cluster.writer.create(external(cluster))
    cluster.writer.delete(created)
    with pytest.raises(NotFoundError):
        cluster.writer.set_status(created, ExternalSecretStatus((SyncResult(status="Failed"),)))


def test_the_status_of_a_successor_is_not_written(cluster):
    first = cluster.writer.create(external(cluster))
    cluster.writer.delete(first)
    cluster.writer.create(external(cluster))
    with pytest.raises(ConflictError):
        cluster.writer.set_status(first, ExternalSecretStatus((SyncResult(status="Failed"),)))
    assert cluster.reader.get(ExternalSecret, cluster.namespace, "es").status == ExternalSecretStatus()


def test_the_status_of_a_store_is_written(cluster):
    store = SecretStore(metadata=Meta(name="s", namespace=cluster.namespace), spec=StoreSpec(kms=KmsSection(auth=Auth())))
    created = cluster.writer.create(store)
    condition = StoreCondition("Ready", "True", "Valid", "", "2026-03-01T12:00:00Z", 1)
    cluster.writer.set_status(created, StoreStatus((condition,), "ReadOnly", 1))
    cluster.writer.set_status(created, StoreStatus((condition,), "ReadOnly"))
    assert cluster.reader.get(SecretStore, cluster.namespace, "s").status == StoreStatus((condition,), "ReadOnly")


# -- server-side apply and field ownership


def test_apply_creates_an_absent_object(cluster):
    applied = cluster.writer.apply(external(cluster, meta={"labels": {"app": "web"}}), force=False)
    assert without_books(cluster.reader.get(ExternalSecret, cluster.namespace, "es")) == without_books(applied)
    assert applied.metadata.labels == {"app": "web"}


def test_applying_the_same_again_changes_nothing(cluster):
    first = cluster.writer.apply(external(cluster), force=False)
    assert cluster.writer.apply(external(cluster), force=False).metadata.resource_version == first.metadata.resource_version


def test_apply_removes_what_it_no_longer_names_and_keeps_what_others_set(cluster):
    cluster.writer.apply(external(cluster, meta={"labels": {"app": "web", "tier": "x"}}), force=False)
    current = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    cluster.other.update(with_meta(current, labels={**current.metadata.labels, "theirs": "1"}))
    applied = cluster.writer.apply(external(cluster, meta={"labels": {"app": "db"}}), force=True)
    assert applied.metadata.labels == {"app": "db", "theirs": "1"}


def test_apply_replaces_the_list_of_entries(cluster):
    cluster.writer.apply(external(cluster, data=(DataSource("a"), DataSource("b"))), force=False)
    applied = cluster.writer.apply(external(cluster, data=(DataSource("c"),)), force=False)
    assert applied.spec.data == (DataSource("c"),)
    assert applied.metadata.generation == 2


def test_apply_conflicts_with_another_manager_and_force_wins(cluster):
    cluster.other.create(external(cluster, type="Opaque"))
    with pytest.raises(ConflictError) as caught:
        cluster.writer.apply(external(cluster, type="example.com/t"), force=False)
    assert "Apply failed with 1 conflict: conflict with" in str(caught.value)
    assert ".spec.type" in str(caught.value)
    assert cluster.writer.apply(external(cluster, type="example.com/t"), force=True).spec.type == "example.com/t"


def managers(obj, path):
    found = set()
    for entry in obj.metadata.managed_fields:
        fields = entry.fields_v1
        for step in path:
            fields = fields.get(f"f:{step}") if isinstance(fields, dict) else None
        if fields is not None:
            found.add((entry.manager, entry.operation))
    return found


def test_the_creator_manages_the_data(cluster):
    created = cluster.writer.create(secret(cluster))
    assert managers(created, ("data", "a")) == {("kubectl-asm", "Update")}
    assert managers(created, ("type",)) == {("kubectl-asm", "Update")}


def test_whoever_changes_a_key_manages_it(cluster):
    created = cluster.writer.create(secret(cluster, data={"a": "1", "b": "1"}))
    updated = cluster.other.update(changed(created, data=texts(a="1", b="2", c="3")))
    assert managers(updated, ("data", "a")) == {("kubectl-asm", "Update")}
    assert managers(updated, ("data", "b")) == {("kubectl", "Update")}
    assert managers(updated, ("data", "c")) == {("kubectl", "Update")}


def test_the_status_has_its_own_entry(cluster):
    created = cluster.writer.create(external(cluster))
    entries = cluster.writer.set_status(created, ExternalSecretStatus((SyncResult(status="Succeeded"),))).metadata.managed_fields
    assert {(entry.manager, entry.subresource) for entry in entries} == {("kubectl-asm", ""), ("kubectl-asm", "status")}


def test_a_status_write_returns_the_object_as_stored(cluster):
    created = cluster.writer.create(external(cluster))
    stored = cluster.writer.set_status(created, ExternalSecretStatus((SyncResult(status="Succeeded"),)))
    assert without_books(stored) == without_books(cluster.reader.get(ExternalSecret, cluster.namespace, "es"))


def test_other_kinds_are_read(cluster):
    cluster.writer.create(ConfigMap(metadata=Meta(name="c", namespace=cluster.namespace), data={"a": "1"}))
    assert cluster.reader.get(ConfigMap, cluster.namespace, "c").data == {"a": "1"}
