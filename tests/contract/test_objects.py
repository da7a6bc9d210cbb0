"""One contract of ObjectReader and ObjectWriter, for memory, directory and a real API server.

What passes here is what a fake may be trusted with. Messages are compared too: users see them in status and reports.
"""

from __future__ import annotations

import msgspec
import pytest

from kubectl_asm.errors import AlreadyExistsError, ConflictError, NotFoundError, RejectedError
from kubectl_asm.model.externalsecret import (
    DataSource,
    ExternalSecret,
    ExternalSecretSpec,
    ExternalSecretStatus,
    SyncResult,
    Target,
    Template,
)
from kubectl_asm.model.objects import FINALIZER, ConfigMap, Meta, OwnerReference, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.stores import Auth, KmsSection, SecretStore, StoreCondition, StoreSpec, StoreStatus

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def secret(cluster, name="db", data=None, **fields):
    meta = Meta(name=name, namespace=cluster.namespace, **fields.pop("meta", {}))
    values = {key: SecretBytes.of_text(value) for key, value in ({"a": "1"} if data is None else data).items()}
    return Secret(metadata=meta, data=values, **fields)


def external(cluster, name="es", meta=None, **spec):
    entries = spec.pop("data", (DataSource(key="k"),))
    metadata = Meta(name=name, namespace=cluster.namespace, **(meta or {}))
    return ExternalSecret(metadata=metadata, spec=ExternalSecretSpec(data=entries, **spec))


def changed(obj, **fields):
    return msgspec.structs.replace(obj, **fields)


def with_meta(obj, **fields):
    return changed(obj, metadata=changed(obj.metadata, **fields))


def texts(**values):
    return {key: SecretBytes.of_text(value) for key, value in values.items()}


# -- reading


def test_what_was_created_is_read_back(cluster):
    created = cluster.writer.create(secret(cluster, data={"a": "1", "b": ""}, meta={"labels": {"app": "web"}}))
    found = cluster.reader.get(Secret, cluster.namespace, "db")
    assert found == created
    assert found.data == texts(a="1", b="")
    assert found.metadata.labels == {"app": "web"}


def test_binary_values_survive(cluster):
    value = SecretBytes(bytes(range(256)))
    cluster.writer.create(changed(secret(cluster), data={"blob": value}))
    assert cluster.reader.get(Secret, cluster.namespace, "db").data == {"blob": value}


def test_a_secret_may_be_empty(cluster):
    assert cluster.writer.create(secret(cluster, data={})).data == {}


def test_an_absent_object_is_not_found(cluster):
    with pytest.raises(NotFoundError, match=r'^secrets "db" not found$'):
        cluster.reader.get(Secret, cluster.namespace, "db")


def test_an_absent_custom_resource_is_named_with_its_group(cluster):
    with pytest.raises(NotFoundError, match=r'^externalsecrets.alibabacloud.com "es" not found$'):
        cluster.reader.get(ExternalSecret, cluster.namespace, "es")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "%2e%2e"])
def test_a_name_that_no_object_can_have_is_not_found(cluster, name):
    with pytest.raises(NotFoundError):
        cluster.reader.get(Secret, cluster.namespace, name)


def test_lists_are_sorted_by_name_and_bound_to_the_namespace(cluster):
    for name in ("b", "a", "c"):
        cluster.writer.create(secret(cluster, name))
    assert [found.name for found in cluster.reader.list(Secret, cluster.namespace)] == ["a", "b", "c"]


def test_lists_are_selected_by_label(cluster):
    cluster.writer.create(secret(cluster, "a", meta={"labels": {"app": "web"}}))
    cluster.writer.create(secret(cluster, "b", meta={"labels": {"app": "db", "tier": "x"}}))
    cluster.writer.create(secret(cluster, "c"))

    def names(selector):
        return [found.name for found in cluster.reader.list(Secret, cluster.namespace, label_selector=selector)]

    assert names("app") == ["a", "b"]
    assert names("app=web") == ["a"]
    assert names("app!=web") == ["b", "c"]
    assert names("app in (web,db),!tier") == ["a"]
    assert names("app notin (web)") == ["b", "c"]


def test_a_template_without_content_stays_present(cluster):
    created = cluster.writer.create(external(cluster, target=Target(template=Template())))
    assert created.template is not None
    assert cluster.reader.get(ExternalSecret, cluster.namespace, "es").template is not None


def test_an_empty_auth_object_stays_present(cluster):
    store = SecretStore(metadata=Meta(name="s", namespace=cluster.namespace), spec=StoreSpec(kms=KmsSection(auth=Auth())))
    assert cluster.writer.create(store).spec.kms == KmsSection(auth=Auth())


def test_both_spellings_of_the_remote_role_are_kept(cluster):
    auth = Auth(remote_ram_role_arn="a", remote_ram_role_arn_seed="b")
    store = SecretStore(metadata=Meta(name="s", namespace=cluster.namespace), spec=StoreSpec(kms=KmsSection(auth=auth)))
    assert cluster.writer.create(store).spec.kms == KmsSection(auth=auth)


# -- creating


def test_the_server_fills_in_identity_and_time(cluster):
    metadata = cluster.writer.create(external(cluster)).metadata
    assert metadata.uid
    assert metadata.resource_version
    assert metadata.creation_timestamp
    assert metadata.generation == 1


def test_creating_twice_is_refused(cluster):
    cluster.writer.create(secret(cluster))
    with pytest.raises(AlreadyExistsError, match=r'^secrets "db" already exists$'):
        cluster.writer.create(secret(cluster))


def test_a_status_given_at_creation_is_dropped(cluster):
    created = cluster.writer.create(changed(external(cluster), status=ExternalSecretStatus((SyncResult(status="Failed"),))))
    assert created.status == ExternalSecretStatus()


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("a b", KEY_RULE),
        ("schlüssel", KEY_RULE),
        ("a/b", KEY_RULE),
        ("", KEY_RULE),
        (".", "must not be '.'"),
        ("..", "must not be '..'"),
        ("..data", "must not start with '..'"),
        ("k" * 254, "must be no more than 253 characters"),
    ],
)
def test_an_illegal_data_key_is_refused(cluster, key, problem):
    with pytest.raises(RejectedError) as caught:
        cluster.writer.create(secret(cluster, data={key: "v"}))
    assert str(caught.value) == f'Secret "db" is invalid: data[{key}]: Invalid value: ***: {problem}'


@pytest.mark.parametrize("key", [".a", "a..b", "-", "_", "A.b-c_9", "k" * 253])
def test_an_unusual_but_legal_data_key_is_taken(cluster, key):
    assert list(cluster.writer.create(secret(cluster, data={key: "v"})).data) == [key]


@pytest.mark.parametrize("value", ["has space", "-x", "x-", "a/b", "ü", "v" * 64, "a,b"])
def test_an_illegal_label_value_is_refused_without_quoting_it(cluster, value):
    with pytest.raises(RejectedError) as caught:
        cluster.writer.create(secret(cluster, meta={"labels": {"app": value}}))
    assert value not in str(caught.value)
    assert str(caught.value).startswith('Secret "db" is invalid: ')
    assert "metadata.labels: Invalid value: ***: " in str(caught.value)


@pytest.mark.parametrize("value", ["", "x", "a.b-c_9", "v" * 63])
def test_a_legal_label_value_is_taken(cluster, value):
    assert cluster.writer.create(secret(cluster, meta={"labels": {"app": value}})).metadata.labels == {"app": value}


@pytest.mark.parametrize("key", ["", "a b", "-x", "/x", "x/", "Example.com/x", "a/b/c", "k" * 64])
def test_an_illegal_label_key_is_refused(cluster, key):
    with pytest.raises(RejectedError, match=r"metadata\.labels: Invalid value: \*\*\*: "):
        cluster.writer.create(secret(cluster, meta={"labels": {key: "v"}}))


@pytest.mark.parametrize("key", ["", "a b", "-x", "/x", "x/", "a_b/x", "a/b/c", "k" * 64])
def test_an_illegal_annotation_key_is_refused(cluster, key):
    with pytest.raises(RejectedError, match=r"metadata\.annotations: Invalid value: \*\*\*: "):
        cluster.writer.create(secret(cluster, meta={"annotations": {key: "v"}}))


@pytest.mark.parametrize("key", ["x", "example.com/x", "Example.com/x", "k" * 63])
def test_a_legal_annotation_is_taken_with_any_value(cluster, key):
    created = cluster.writer.create(secret(cluster, meta={"annotations": {key: "any: thing\n"}}))
    assert created.metadata.annotations == {key: "any: thing\n"}


def test_several_problems_are_reported_together_in_order(cluster):
    with pytest.raises(RejectedError) as caught:
        cluster.writer.create(secret(cluster, data={"a b": "1", ".": "2"}))
    text = str(caught.value)
    assert text.startswith('Secret "db" is invalid: [')
    assert "data[.]: Invalid value: ***: must not be '.'" in text
    assert f"data[a b]: Invalid value: ***: {KEY_RULE}" in text


def test_an_illegal_name_is_refused(cluster):
    with pytest.raises(RejectedError, match=r'^Secret "Bad_Name" is invalid: metadata\.name: Invalid value: \*\*\*: a lowercase'):
        cluster.writer.create(secret(cluster, "Bad_Name"))


def test_an_object_needs_a_name(cluster):
    with pytest.raises(RejectedError, match=r"metadata\.name: Required value: name or generateName is required"):
        cluster.writer.create(secret(cluster, ""))


def test_data_above_one_mebibyte_is_refused(cluster):
    with pytest.raises(RejectedError, match=r'^Secret "db" is invalid: data: Too long: may not be more than 1048576 bytes$'):
        cluster.writer.create(secret(cluster, data={"a": "x" * (1024 * 1024 + 1)}))


@pytest.mark.parametrize(
    ("kind", "data", "problem"),
    [
        ("kubernetes.io/tls", {"tls.crt": "x"}, "data[tls.key]: Required value"),
        ("kubernetes.io/ssh-auth", {"a": "x"}, "data[ssh-privatekey]: Required value"),
        ("kubernetes.io/dockerconfigjson", {"a": "x"}, "data[.dockerconfigjson]: Required value"),
    ],
)
def test_a_typed_secret_needs_its_keys(cluster, kind, data, problem):
    with pytest.raises(RejectedError) as caught:
        cluster.writer.create(secret(cluster, data=data, type=kind))
    assert str(caught.value) == f'Secret "db" is invalid: {problem}'


def test_a_docker_configuration_must_be_json_and_is_not_quoted(cluster):
    with pytest.raises(RejectedError, match=r"data\[\.dockerconfigjson\]: Invalid value: \*\*\*") as caught:
        cluster.writer.create(secret(cluster, data={".dockerconfigjson": "S3cr3t{"}, type="kubernetes.io/dockerconfigjson"))
    assert "S3cr3t" not in str(caught.value)


def test_a_basic_auth_secret_needs_a_user_or_a_password(cluster):
    with pytest.raises(RejectedError, match=r"data\[username\]: Required value.*data\[password\]: Required value"):
        cluster.writer.create(secret(cluster, data={"a": "x"}, type="kubernetes.io/basic-auth"))
    cluster.writer.create(secret(cluster, data={"password": "x"}, type="kubernetes.io/basic-auth"))


# -- updating


def test_an_update_replaces_data_and_raises_the_version(cluster):
    first = cluster.writer.create(secret(cluster, data={"a": "1", "old": "x"}))
    second = cluster.writer.update(changed(first, data=texts(a="2")))
    assert second.data == texts(a="2")
    assert second.metadata.uid == first.metadata.uid
    assert second.metadata.resource_version != first.metadata.resource_version


def test_an_update_keeps_owners_and_the_generated_name(cluster):
    owner = OwnerReference("v1", "ConfigMap", "owner", "u-1", True, True)
    meta = {"owner_references": (owner,), "generate_name": "db-"}
    first = cluster.writer.create(secret(cluster, meta=meta))
    second = cluster.writer.update(changed(first, data=texts(a="2")))
    assert second.metadata.owner_references == (owner,)
    assert second.metadata.generate_name == "db-"


def test_an_update_without_a_change_keeps_the_version(cluster):
    first = cluster.writer.create(secret(cluster))
    assert cluster.writer.update(first).metadata.resource_version == first.metadata.resource_version


def test_an_update_of_a_changed_object_conflicts(cluster):
    first = cluster.writer.create(secret(cluster))
    cluster.writer.update(changed(first, data=texts(a="2")))
    with pytest.raises(ConflictError) as caught:
        cluster.writer.update(changed(first, data=texts(a="3")))
    assert str(caught.value) == (
        'Operation cannot be fulfilled on secrets "db": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert cluster.reader.get(Secret, cluster.namespace, "db").data == texts(a="2")


def test_an_update_without_a_version_is_refused(cluster):
    first = cluster.writer.create(secret(cluster))
    with pytest.raises(RejectedError, match=r"metadata\.resourceVersion"):
        cluster.writer.update(with_meta(first, resource_version=""))


def test_an_update_of_an_absent_object_is_not_found(cluster):
    first = cluster.writer.create(secret(cluster))
    cluster.writer.delete(first)
    with pytest.raises(NotFoundError):
        cluster.writer.update(changed(first, data=texts(a="2")))


def test_an_update_never_hits_a_successor_of_the_same_name(cluster):
    first = cluster.writer.create(secret(cluster))
    cluster.writer.delete(first)
    second = cluster.writer.create(secret(cluster, data={"b": "2"}))
    with pytest.raises(ConflictError):
        cluster.writer.update(with_meta(first, resource_version=second.metadata.resource_version))


def test_the_type_of_a_secret_cannot_change(cluster):
    first = cluster.writer.create(secret(cluster))
    with pytest.raises(RejectedError) as caught:
        cluster.writer.update(changed(first, type="example.com/other"))
    assert str(caught.value) == 'Secret "db" is invalid: type: Invalid value: ***: field is immutable'


def test_an_immutable_secret_cannot_change_its_data(cluster):
    first = cluster.writer.create(secret(cluster, immutable=True))
    with pytest.raises(RejectedError) as caught:
        cluster.writer.update(changed(first, data=texts(a="2")))
    assert str(caught.value) == 'Secret "db" is invalid: data: Forbidden: field is immutable when `immutable` is set'


def test_an_immutable_secret_stays_immutable_but_takes_labels(cluster):
    first = cluster.writer.create(secret(cluster, immutable=True))
    with pytest.raises(RejectedError, match="immutable: Forbidden: field is immutable when `immutable` is set"):
        cluster.writer.update(changed(first, immutable=False))
    assert cluster.writer.update(with_meta(first, labels={"app": "web"})).metadata.labels == {"app": "web"}


def test_a_spec_change_raises_the_generation_and_a_label_does_not(cluster):
    first = cluster.writer.create(external(cluster))
    second = cluster.writer.update(with_meta(first, labels={"app": "web"}))
    assert second.metadata.generation == 1
    third = cluster.writer.update(changed(second, spec=ExternalSecretSpec(data=(DataSource(key="other"),))))
    assert third.metadata.generation == 2


def test_an_update_of_the_main_resource_leaves_the_status_alone(cluster):
    first = cluster.writer.create(external(cluster))
    cluster.writer.set_status(first, ExternalSecretStatus((SyncResult(status="Succeeded"),)))
    current = cluster.reader.get(ExternalSecret, cluster.namespace, "es")
    updated = cluster.writer.update(with_meta(changed(current, status=ExternalSecretStatus()), labels={"app": "web"}))
    assert updated.status == current.status


def test_annotations_of_a_store_can_be_removed_by_an_update(cluster):
    spec = StoreSpec(kms=KmsSection(auth=Auth()))
    metadata = Meta(name="s", namespace=cluster.namespace, annotations={"a": "1", "b": "2"})
    first = cluster.writer.create(SecretStore(metadata=metadata, spec=spec))
    assert cluster.writer.update(with_meta(first, annotations={"b": "2"})).metadata.annotations == {"b": "2"}
    assert cluster.reader.get(SecretStore, cluster.namespace, "s").spec == spec


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
    assert cluster.reader.get(ExternalSecret, cluster.namespace, "es") == applied
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
    cluster.writer.set_status(created, ExternalSecretStatus((SyncResult(status="Succeeded"),)))
    entries = cluster.reader.get(ExternalSecret, cluster.namespace, "es").metadata.managed_fields
    assert {(entry.manager, entry.subresource) for entry in entries} == {("kubectl-asm", ""), ("kubectl-asm", "status")}


def test_other_kinds_are_read(cluster):
    cluster.writer.create(ConfigMap(metadata=Meta(name="c", namespace=cluster.namespace), data={"a": "1"}))
    assert cluster.reader.get(ConfigMap, cluster.namespace, "c").data == {"a": "1"}
