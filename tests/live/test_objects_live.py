"""Behaviour of the adapter that only a real API server can show: permissions, paging, dry runs, lookups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from kubectl_asm.adapters.kube.deployment import find_deployments, read_deployment
from kubectl_asm.adapters.kube.errors import UNKNOWN_KIND
from kubectl_asm.adapters.kube.holder import Forbidden, Found, NotFound, find_holder
from kubectl_asm.adapters.kube.reader import KubeReader
from kubectl_asm.adapters.kube.writer import KubeWriter
from kubectl_asm.adapters.listed import ListedReader
from kubectl_asm.errors import AccessError, ClusterError, NotFoundError, RejectedError
from kubectl_asm.model.externalsecret import DataSource, ExternalSecret, ExternalSecretSpec, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import API_VERSION, ConfigMap, KubeObject, Meta, Resource, Secret
from kubectl_asm.model.sensitive import SecretBytes
from tests.live.clients import open_connection

pytestmark = pytest.mark.usefixtures("alone_with_controllers")


@pytest.fixture
def admin(control_plane):
    connection = open_connection(control_plane.kubeconfig)
    yield connection
    connection.close()


@pytest.fixture
def as_user(kubeconfig_for):
    connections = []

    def open_one(user):
        connections.append(open_connection(kubeconfig_for(user)))
        return connections[-1].transport

    yield open_one
    for connection in connections:
        connection.close()


def secret(namespace, name, **data):
    return Secret(
        metadata=Meta(name=name, namespace=namespace), data={key: SecretBytes.of_text(value) for key, value in data.items()}
    )


def test_long_lists_come_in_pages(admin, namespace):
    writer = KubeWriter(admin.transport)
    for number in range(7):
        writer.create(secret(namespace, f"s-{number}", a="1"))
    before = admin.log.total
    found = KubeReader(admin.transport, chunk_size=3).list(Secret, namespace)
    assert [one.name for one in found] == [f"s-{number}" for number in range(7)]
    assert admin.log.total - before == 3


def test_a_chunk_size_of_zero_asks_once(admin, namespace):
    KubeWriter(admin.transport).create(secret(namespace, "a", a="1"))
    before = admin.log.total
    assert len(KubeReader(admin.transport, chunk_size=0).list(Secret, namespace)) == 1
    assert admin.log.total - before == 1


def test_a_forbidden_read_says_which_permission_is_missing(as_user, namespace):
    with pytest.raises(AccessError) as caught:
        KubeReader(as_user("nobody")).get(Secret, namespace, "db")
    assert caught.value.status == 403
    assert 'User "nobody" cannot get resource "secrets"' in str(caught.value)
    assert f"kubectl auth can-i get secrets --namespace {namespace}" in (caught.value.hint or "")


def test_a_forbidden_list_says_which_permission_is_missing(as_user):
    with pytest.raises(AccessError) as caught:
        KubeReader(as_user("nobody")).list(ExternalSecret)
    assert "kubectl auth can-i list externalsecrets.alibabacloud.com --all-namespaces" in (caught.value.hint or "")


def test_a_kind_that_is_not_served_is_not_mistaken_for_an_absent_object(admin, namespace):
    class Unknown(KubeObject, frozen=True):
        RESOURCE = Resource("Unknown", API_VERSION, "unknowns", True)

    for ask in (lambda reader: reader.get(Unknown, namespace, "x"), lambda reader: reader.list(Unknown, namespace)):
        with pytest.raises(ClusterError) as caught:
            ask(KubeReader(admin.transport))
        assert not isinstance(caught.value, NotFoundError)
        assert caught.value.reason == UNKNOWN_KIND


def test_creating_in_an_absent_namespace_is_not_found(admin):
    with pytest.raises(NotFoundError, match='namespaces "no-such-place" not found'):
        KubeWriter(admin.transport).create(secret("no-such-place", "db", a="1"))


def test_creating_in_a_terminating_namespace_is_refused_with_the_words_the_engine_knows(admin, control_plane, namespace):
    control_plane.request("DELETE", f"/api/v1/namespaces/{namespace}")
    with pytest.raises(AccessError) as caught:
        KubeWriter(admin.transport).create(secret(namespace, "db", a="1"))
    assert "unable to create new content in namespace" in str(caught.value)
    assert "because it is being terminated" in str(caught.value)


def test_a_server_dry_run_is_checked_and_stores_nothing(admin, namespace):
    writer = KubeWriter(admin.transport, server_dry_run=True)
    assert writer.create(secret(namespace, "db", a="1")).metadata.uid
    with pytest.raises(NotFoundError):
        KubeReader(admin.transport).get(Secret, namespace, "db")
    with pytest.raises(RejectedError):
        writer.create(secret(namespace, "db", **{"a b": "1"}))
    stored = KubeWriter(admin.transport).create(secret(namespace, "db", a="1"))
    writer.update(msgspec.structs.replace(stored, data={"a": SecretBytes(b"2")}))
    writer.delete(stored)
    assert KubeReader(admin.transport).get(Secret, namespace, "db") == stored


def test_the_status_has_the_spelling_of_upstream(admin, control_plane, namespace):
    writer = KubeWriter(admin.transport)
    created = writer.create(
        ExternalSecret(metadata=Meta(name="es", namespace=namespace), spec=ExternalSecretSpec(data=(DataSource("k"),)))
    )
    results = (
        SyncResult("k", "Failed", "no such secret", "2026-03-01T12:00:00Z"),
        SyncResult(status="Succeeded", time="2026-03-01T12:00:00Z"),
    )
    writer.set_status(created, ExternalSecretStatus(results))
    path = f"/apis/alibabacloud.com/v1alpha1/namespaces/{namespace}/externalsecrets/es"
    assert control_plane.request("GET", path)["status"] == {
        "dataSyncResults": [
            {
                "ExternalSecretKey": "k",
                "status": "Failed",
                "reason": "no such secret",
                "synchronizationTime": "2026-03-01T12:00:00Z",
            },
            {"status": "Succeeded", "synchronizationTime": "2026-03-01T12:00:00Z"},
        ]
    }


def test_an_update_keeps_fields_the_model_does_not_know(admin, control_plane, namespace):
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    manifest = {"metadata": {"name": "c", "annotations": {"a": "1"}}, "data": {"a": "1"}, "binaryData": {"b": "AAE="}}
    control_plane.request("POST", path, manifest)
    found = KubeReader(admin.transport).get(ConfigMap, namespace, "c")
    changed = msgspec.structs.replace(found, metadata=msgspec.structs.replace(found.metadata, annotations={"b": "2"}))
    KubeWriter(admin.transport).update(changed)
    stored = control_plane.request("GET", f"{path}/c")
    assert stored["binaryData"] == {"b": "AAE="}
    assert stored["metadata"]["annotations"] == {"b": "2"}


def test_objects_with_nulls_are_read(admin, control_plane, namespace):
    path = f"/apis/alibabacloud.com/v1alpha1/namespaces/{namespace}/externalsecrets"
    control_plane.request(
        "POST",
        path,
        {"apiVersion": API_VERSION, "kind": "ExternalSecret", "metadata": {"name": "es", "labels": None}, "spec": {"data": []}},
    )
    assert [found.name for found in KubeReader(admin.transport).list(ExternalSecret, namespace)] == ["es"]


# -- one list instead of many gets


def test_announced_secrets_come_from_one_list(admin, namespace):
    writer = KubeWriter(admin.transport)
    names = [f"s-{number}" for number in range(12)]
    for name in names[:10]:
        writer.create(secret(namespace, name, a=name))
    reader = ListedReader(KubeReader(admin.transport))
    reader.announce(Secret, [(namespace, name) for name in names])
    before = admin.log.total
    assert [reader.get(Secret, namespace, name).data["a"].reveal_text() for name in names[:10]] == names[:10]
    for name in names[10:]:
        with pytest.raises(NotFoundError):
            reader.get(Secret, namespace, name)
    assert admin.log.total - before == 1


def test_a_forbidden_list_is_replaced_by_gets(admin, as_user, grant, namespace):
    writer = KubeWriter(admin.transport)
    names = [f"s-{number}" for number in range(9)]
    for name in names:
        writer.create(secret(namespace, name, a="1"))
    grant("alice", ["get"], ["secrets"])
    transport = as_user("alice")
    reader = ListedReader(KubeReader(transport))
    reader.announce(Secret, [(namespace, name) for name in names])
    for name in names:
        assert reader.get(Secret, namespace, name).name == name
    assert transport.log.total == 1 + len(names)


# -- who else is at work


def lease(control_plane, namespace, name, holder, renewed, seconds=15):
    control_plane.request(
        "POST",
        f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
        {
            "metadata": {"name": name},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": seconds,
                "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            },
        },
    )
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"


def test_no_lock_means_no_holder(as_user, grant):
    grant("alice", ["list"], ["leases"], group="coordination.k8s.io", everywhere=True)
    grant("alice", ["list"], ["configmaps"], everywhere=True)
    transport = as_user("alice")
    assert find_holder(transport) == NotFound()
    assert transport.log.total == 3


def test_a_live_lease_is_found_in_any_namespace(admin, control_plane, namespace):
    now = datetime.now(UTC)  # compared with the clock of a real server
    path = lease(control_plane, namespace, "ack-secret-manager-lock", "pod-1", now)
    found = find_holder(admin.transport)
    control_plane.request("DELETE", path)
    assert found == Found(namespace, "ack-secret-manager-lock", "Lease", "pod-1")
    assert found.is_upstream


def test_our_own_live_lease_is_found_and_told_apart(admin, control_plane, namespace):
    now = datetime.now(UTC)  # compared with the clock of a real server
    path = lease(control_plane, namespace, "kubectl-asm-controller", "pod-2", now)
    found = find_holder(admin.transport)
    control_plane.request("DELETE", path)
    assert isinstance(found, Found)
    assert not found.is_upstream


@pytest.mark.parametrize(("holder", "age_s"), [("pod-1", 3600), ("", 0)])
def test_an_expired_or_released_lease_has_no_holder(admin, control_plane, namespace, holder, age_s):
    renewed = datetime.now(UTC) - timedelta(seconds=age_s)  # compared with the clock of a real server
    path = lease(control_plane, namespace, "ack-secret-manager-lock", holder, renewed)
    found = find_holder(admin.transport)
    control_plane.request("DELETE", path)
    assert found == NotFound()


def test_a_lock_config_map_is_held_by_the_pod_that_owns_it(admin, control_plane, namespace):
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "ack-secret-manager-7f", "uid": "u-1"}
    manifest = {"metadata": {"name": "ack-secret-manager-lock", "ownerReferences": [owner]}}
    control_plane.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", manifest)
    found = find_holder(admin.transport)
    control_plane.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/ack-secret-manager-lock")
    assert found == Found(namespace, "ack-secret-manager-lock", "ConfigMap", "ack-secret-manager-7f")


def test_looking_may_be_forbidden(as_user):
    found = find_holder(as_user("nobody"))
    assert isinstance(found, Forbidden)
    assert "cannot list resource" in found.reason


def test_where_only_one_namespace_may_be_read_that_one_is_looked_at(control_plane, as_user, grant, namespace):
    now = datetime.now(UTC)  # compared with the clock of a real server
    path = lease(control_plane, namespace, "ack-secret-manager-lock", "pod-1", now)
    grant("alice", ["list"], ["leases"], group="coordination.k8s.io")
    found = find_holder(as_user("alice"), namespaces=("kube-system", namespace))
    control_plane.request("DELETE", path)
    assert isinstance(found, Found)


# -- how it was started


def deploy(control_plane, namespace, name, image):
    container = {
        "name": "c",
        "image": image,
        "command": ["ack-secret-manager"],
        "args": ["--region=cn-hangzhou", "--polling-interval=60s"],
        "env": [{"name": "ACCESS_KEY_ID", "value": "S3cr3t"}, {"name": "WATCH_NAMESPACE", "value": "shop"}],
    }
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container], "serviceAccountName": "runner"}},
    }
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    control_plane.request("POST", path, {"metadata": {"name": name}, "spec": spec})
    return lambda: control_plane.request("DELETE", f"{path}/{name}")


def test_a_deployment_tells_arguments_names_and_tag_and_no_values(admin, control_plane, namespace):
    remove = deploy(control_plane, namespace, "controller", "registry.example:5000/acs/ack-secret-manager:v0.6.2")
    found = read_deployment(KubeReader(admin.transport), namespace, "controller")
    remove()
    assert found.args == ("ack-secret-manager", "--region=cn-hangzhou", "--polling-interval=60s")
    assert found.tag == "v0.6.2"
    assert found.env_names == ("ACCESS_KEY_ID", "WATCH_NAMESPACE")
    assert found.watch_namespace == "shop"
    assert found.service_account == "runner"
    assert "S3cr3t" not in repr(found)


def test_deployments_are_found_by_name_and_else_by_image(admin, control_plane, namespace):
    digest = "registry.example/acs/ack-secret-manager@sha256:" + "0" * 64
    remove_other = deploy(control_plane, namespace, "controller", digest)
    reader = KubeReader(admin.transport)
    assert (namespace, "controller") in [(found.namespace, found.name) for found in find_deployments(reader)]
    remove = deploy(control_plane, namespace, "ack-secret-manager", "registry.example/acs/ack-secret-manager:v0.6.7")
    found = [(one.namespace, one.name, one.tag) for one in find_deployments(reader)]
    remove()
    remove_other()
    assert found == [(namespace, "ack-secret-manager", "v0.6.7")]
