"""The controller with the rights `manifests rbac` prints for named namespaces, and for the objects of some manifests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_asm.engine.controller_rbac import controller_manifests
from tests.live.controlplane import wait_until
from tests.live.serving import ACCOUNT, SOON_S, SYSTEM, Place, Serve, Territory, install, territory

LEADING = ("--lease-namespace", SYSTEM)
CLUSTER_OFF = {"process_cluster_secret_store": "false", "process_cluster_external_secret": "false"}
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/kubectl-asm-controller"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    """A territory whose controller may do nothing but hold Leases."""
    with territory(tmp_path_factory.mktemp("rights"), db="first", other="second") as made:
        made.control_plane.request("DELETE", BINDING)
        yield made


@pytest.fixture
def place(ground: Territory) -> Place:
    return ground.namespace()


def manifests_of(place: Place) -> str:
    """Return an ExternalSecret for every way to need a right: a store with a key, a template in a ConfigMap, none of it."""
    key = {field: {"name": "credentials", "key": part} for field, part in (("accessKey", "id"), ("accessKeySecret", "secret"))}
    template = {"templateFrom": [{"configMap": {"name": "texts", "items": [{"key": "greeting"}]}}]}
    specs = {
        "plain": {"data": [{"key": "db", "name": "db"}]},
        "stored": {"data": [{"key": "db", "name": "db", "secretStoreRef": {"name": "kms", "kind": "SecretStore"}}]},
        "templated": {"data": [{"key": "other", "name": "other"}], "target": {"name": "rendered", "template": template}},
    }
    objects: list[dict[str, Any]] = [
        {"kind": "ExternalSecret", "metadata": {"name": name}, "spec": {"provider": "kms", **spec}}
        for name, spec in specs.items()
    ]
    objects.append({"kind": "SecretStore", "metadata": {"name": "kms"}, "spec": {"KMS": {"KMSAuth": key}}})
    for obj in objects:
        obj["apiVersion"] = "alibabacloud.com/v1alpha1"
    pair = {"id": "emulator", "secret": "emulator"}
    objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "credentials"}, "stringData": pair})
    texts = {"greeting": "hello {{ .other }}"}
    objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}, "data": texts})
    for obj in objects:
        obj["metadata"]["namespace"] = place.name
    return yaml.safe_dump_all(objects)


def fill(place: Place, manifests: str) -> None:
    apply = ["kubectl", "--kubeconfig", str(place.territory.control_plane.kubeconfig), "apply", "-f", "-"]
    subprocess.run(apply, input=manifests, check=True, capture_output=True, text=True, timeout=60)


def everything_arrives(place: Place) -> None:
    place.holds("plain", db="first")
    place.holds("stored", db="first")
    place.holds("rendered", greeting="hello second")
    for name in ("plain", "stored", "templated"):
        place.is_ready(name)


def refusals(serve: Serve) -> set[str]:
    """Return what the log says of refused requests, apart from what no Role can give: Namespaces, locks of others."""
    lines = (str(line) for line in serve.lines())
    beyond = ("whether the upstream controller is at work", "namespaces")
    return {line for line in lines if "forbidden" in line.lower() and not any(text in line for text in beyond)}


def test_a_role_in_a_namespace_is_enough_for_a_controller_there(ground: Territory, place: Place) -> None:
    install(ground.control_plane, "rbac", "-n", SYSTEM, "--watch-namespaces", place.name)
    fill(place, manifests_of(place))
    with ground.serve(*LEADING, watch_namespaces=place.name, **CLUSTER_OFF) as serve:
        serve.is_ready()
        everything_arrives(place)
        serve.is_ready()
        assert refusals(serve) == set()


def test_rights_for_some_manifests_are_enough_for_them_and_for_no_other(ground: Territory, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "manifests.yaml"
    file.write_text(manifests_of(place))
    install(ground.control_plane, "rbac", "-n", SYSTEM, "-f", str(file), "--", "--region=cn-hangzhou")
    fill(place, file.read_text())
    with ground.serve(*LEADING, watch_namespaces=place.name, **CLUSTER_OFF) as serve:
        serve.is_ready()
        everything_arrives(place)
        serve.is_ready()
        assert refusals(serve) == set()
        ground.delete("ExternalSecret", place.name, "plain")
        place.vanishes("ExternalSecret", "plain")
        assert place.data("plain") is None

        place.external("stranger", "db")
        place.is_ready("stranger", reason="", status="", timeout_s=2)
        assert place.data("stranger") is None


# -- every right is used, and no other is asked for

USER = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
TRIGGER = {"ack-secret-manager.alibabacloud.com/trigger-reconcile": "1"}
SPARE = {
    # What is watched is answered from memory. These serve while a watch is out of step, and where Roles name the namespaces.
    ("get", "namespaces"),
    ("get", "clusterexternalsecrets"),
    ("get", "clustersecretstores"),
    ("get", "secretstores"),
    ("get", "externalsecrets"),
    ("get", "serviceaccounts"),
    # An apply of what is not there yet is asked for as a patch and needs both.
    ("create", "externalsecrets"),
    # Servers that enforce owner references ask for it; the one of the tests does not.
    ("update", "clusterexternalsecrets/finalizers"),
    # Every Event is a new one today; counting one up is a patch.
    ("patch", "events"),
}


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    """A territory whose controller has the rights for the whole cluster."""
    with territory(tmp_path_factory.mktemp("audit"), db="first", other="second") as made:
        yield made


def live_through_everything(ground: Territory) -> None:
    """Do what makes a controller use every right it has."""
    place = ground.namespace(team="a")
    fill(place, manifests_of(place))
    everything_arrives(place)
    place.external("plain", "other")
    place.holds("plain", other="second")
    ground.delete("ExternalSecret", place.name, "plain")
    place.vanishes("ExternalSecret", "plain")
    tokens(place)
    stores(place)
    children(place)


def tokens(place: Place) -> None:
    """Read through a ServiceAccount."""
    role = {"ack.alibabacloud.com/role-arn": "acs:ram::1000000000000001:role/reader"}
    place.territory.put("ServiceAccount", place.name, "reader", metadata={"annotations": role})
    auth = {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": "acs:ram::1000000000000001:oidc-provider/cluster"}
    place.territory.put("SecretStore", place.name, "account", spec={"KMS": {"KMSAuth": auth}})
    reference = {"name": "account", "kind": "SecretStore"}
    place.external("tokened", data=[{"key": "db", "secretStoreRef": reference}])
    place.is_ready("tokened")


def stores(place: Place) -> None:
    """Have stores looked at, of both kinds."""
    key = {field: {"name": "credentials", "key": part} for field, part in (("accessKey", "id"), ("accessKeySecret", "secret"))}
    far = {field: {**reference, "namespace": place.name} for field, reference in key.items()}
    place.territory.put("ClusterSecretStore", "", "shared", spec={"KMS": {"KMSAuth": far}})
    for kind, name in (("SecretStore", "kms"), ("ClusterSecretStore", "shared")):
        place.territory.put(kind, place.name, name, metadata={"annotations": TRIGGER})
        wait_until(
            lambda kind=kind, name=name: not triggered(place, kind, name), timeout_s=SOON_S, what=f"{name} to be looked at"
        )


def triggered(place: Place, kind: str, name: str) -> bool:
    found = place.get(kind, name) or {}
    return not found.get("status", {}).get("conditions") or bool(TRIGGER.keys() & found["metadata"].get("annotations", {}).keys())


def children(place: Place) -> None:
    """Have a child made, put right, and taken away."""
    ground = place.territory
    spec = {"data": [{"key": "db", "name": "db"}], "provider": "kms"}
    parent = {"externalSecretName": "fan", "externalSecretSpec": spec, "namespaceSelectors": [{"matchLabels": {"team": "a"}}]}
    ground.put("ClusterExternalSecret", "", "fan", spec={**parent, "rotationInterval": "1s"})
    place.holds("fan", db="first")
    ground.put("ExternalSecret", place.name, "fan", spec={"rotationInterval": "2h"})
    wait_until(
        lambda: "rotationInterval" not in (place.get("ExternalSecret", "fan") or {}).get("spec", {}),
        timeout_s=SOON_S,
        what="the child to be put right",
    )
    ground.put("Namespace", "", place.name, metadata={"labels": {"team": "b"}})
    place.vanishes("ExternalSecret", "fan")
    ground.delete("ClusterExternalSecret", "", "fan")
    wait_until(lambda: ground.get("ClusterExternalSecret", "", "fan") is None, timeout_s=SOON_S, what="the parent to vanish")


def used(ground: Territory) -> set[tuple[str, str]]:
    """Return (verb, resource or resource/subresource) of every request of the controller."""
    about = [(one["verb"], one["objectRef"]) for one in ground.control_plane.audited(USER) if "objectRef" in one]
    return {(verb, "/".join(filter(None, (ref["resource"], ref.get("subresource"))))) for verb, ref in about}


def granted() -> set[tuple[str, str]]:
    rules = (rule for one in controller_manifests(SYSTEM, (), read_only=False) for rule in one.get("rules", ()))
    return {(verb, resource) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}


def test_every_right_of_a_controller_is_used_and_nothing_is_refused(audited: Territory) -> None:
    with audited.serve("--shards", "2", *LEADING) as serve:
        serve.is_ready()
        live_through_everything(audited)
    with suppress(TimeoutError):  # the end of a watch is on record a moment after the end of who watched
        wait_until(lambda: granted() - used(audited) <= SPARE, timeout_s=5, what="watches on record")
    assert granted() - used(audited) - SPARE == set()
    assert used(audited) <= granted()
    requests = audited.control_plane.audited(USER)
    assert [one["requestURI"] for one in requests if one["responseStatus"]["code"] == 403] == []
