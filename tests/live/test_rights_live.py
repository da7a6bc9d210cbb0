"""The controller with the rights `manifests rbac` prints for named namespaces, and for the objects of some manifests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.serving import SYSTEM, Place, Serve, Territory, install, territory

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
