"""One contract of ObjectReader and ObjectWriter, for memory, directory and a real API server.

What passes here is what a fake may be trusted with. Messages are compared too: users see them in status and reports.
"""

from __future__ import annotations

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
from kubectl_asm.model.objects import Meta, OwnerReference, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.stores import Auth, KmsSection, SecretStore, StoreSpec
from tests.contract.builders import changed, external, secret, texts, with_meta, without_books

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)

# -- reading


def test_what_was_created_is_read_back(cluster):
    created = cluster.writer.create(secret(cluster, data={"a": "1", "b": ""}, meta={"labels": {"app": "web"}}))
    found = cluster.reader.get(Secret, cluster.namespace, "db")
    assert without_books(found) == without_books(created)
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
