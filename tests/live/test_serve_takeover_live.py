"""What release 0.6.2 leaves behind is taken over without one write of a Secret, and a shadow beside it finds no difference."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.controlplane import ControlPlane, wait_until
from tests.live.serving import FINALIZER, GROUP, MERGE, SOON_S, SYSTEM, Place, Serve, Territory, install, territory

DEPLOYMENT = "kube-system/ack-secret-manager"
LOCK = "ack-secret-manager-lock"
CHILDREN = 2
SINCE = "2026-03-02T08:00:00Z"
DOCUMENT = '{"user":"ada","age":14,"on":true,"tags":["a","b"],"more":{"b":1,"a":[2]}}'
STORED = {"secretStoreRef": {"name": "keys", "kind": "SecretStore"}}
SHARED = {"secretStoreRef": {"name": "shared", "kind": "ClusterSecretStore"}}
LEFT: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "plain": ({"data": [{"key": "db"}, {"key": "other", "name": "second"}]}, {"db": "first", "second": "two"}),
    "stored": (
        {"data": [{"key": "db", "name": "db", **STORED}, {"key": "other", "name": "o", **SHARED}]},
        {"db": "first", "o": "two"},
    ),
    "extracted": (
        {"dataProcess": [{"extract": {"key": "doc"}, "replaceRule": [{"source": "^(.)", "target": "x_$1"}]}]},
        {"x_user": "ada", "x_age": "14", "x_on": "true", "x_tags": '["a","b"]', "x_more": '{"a":[2],"b":1}'},
    ),
    "from-yaml": ({"dataProcess": [{"extract": {"key": "yaml"}}]}, {"user": "ada", "tags": "- a\n- b\n"}),
    "picked": (
        {"data": [{"key": "doc", "name": "all", "jmesPath": [{"path": p, "objectAlias": p} for p in ("user", "age", "tags")]}]},
        {"user": "ada", "age": "14", "tags": "- a\n- b\n"},
    ),
    "rendered": (
        {
            "data": [{"key": "db", "name": "db"}],
            "target": {
                "name": "rendered-config",
                "template": {
                    "data": {"conf": "db={{ .db | upper }}"},
                    "metadata": {"labels": {"team": "a"}, "annotations": {"of": "{{ .db }}"}},
                },
            },
        },
        {"conf": "db=FIRST"},
    ),
    "login": (
        {"type": "kubernetes.io/basic-auth", "data": [{"key": "db", "name": "username"}, {"key": "other", "name": "password"}]},
        {"username": "first", "password": "two"},
    ),
    "rotating": ({"data": [{"key": "turning", "name": "turning"}]}, {"turning": "one"}),
}
"""Specs, and the data that release wrote for them: strings of JSON documents without quotes, lists a path finds as YAML."""
METADATA = {"rendered": {"labels": {"team": "a"}, "annotations": {"of": "first", "ack-alibabacloud.com/managed-keys": "conf"}}}


class Former:
    """The former controller: writes as its client does, under its names of field managers."""

    def __init__(self, ground: Territory) -> None:
        self.ground = ground
        self.request = ground.control_plane.request

    def write(self, method: str, kind: str, namespace: str, name: str, body: dict[str, Any], manager: str, sub: str = "") -> dict:
        path = self.ground.path(kind, namespace, "" if method == "POST" else name) + sub
        content = {"PATCH": MERGE, "POST": "application/json"}[method]
        return self.request(method, f"{path}?fieldManager={manager}", body, content_type=content)

    def custom(self, kind: str, namespace: str, name: str, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        """Leave an object that a user applied and that was worked on."""
        body = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.write("POST", kind, namespace, name, body, "kubectl-client-side-apply")
        return self.worked_on(kind, namespace, name, status)

    def worked_on(self, kind: str, namespace: str, name: str, status: dict[str, Any]) -> dict[str, Any]:
        self.write("PATCH", kind, namespace, name, {"metadata": {"finalizers": [FINALIZER]}}, "manager")
        return self.write("PATCH", kind, namespace, name, {"status": status}, "manager", "/status")

    def store(self, kind: str, namespace: str, name: str, auth: dict[str, Any]) -> None:
        ready = {"type": "Ready", "status": "True", "reason": "Valid", "message": "store validated", "observedGeneration": 1}
        status = {"conditions": [{**ready, "lastTransitionTime": SINCE}], "capabilities": "ReadOnly"}
        self.custom(kind, namespace, name, {"KMS": {"KMSAuth": auth}}, status)

    def secret(self, namespace: str, name: str, data: dict[str, str], kind: str = "Opaque", **metadata: Any) -> None:
        body = {"metadata": {"name": name, **metadata}, "type": kind, "stringData": data}
        self.write("POST", "Secret", namespace, name, body, "ack-secret-manager")
        self.write("PATCH", "Secret", namespace, name, {"stringData": data}, "manager")

    def external(self, namespace: str, name: str, spec: dict[str, Any], data: dict[str, str]) -> None:
        self.custom("ExternalSecret", namespace, name, {"provider": "kms", **spec}, _succeeded())
        target = spec.get("target", {}).get("name", name)
        self.secret(namespace, target, data, spec.get("type", "Opaque"), **METADATA.get(name, {}))

    def fan(self, places: list[Place]) -> None:
        """Leave a ClusterExternalSecret with its ledger and a child and a Secret in every place."""
        child = {"provider": "kms", "data": [{"key": "db", "name": "db", **SHARED}]}
        spec = {
            "externalSecretName": "child",
            "externalSecretSpec": child,
            "conditions": [{"namespaces": [one.name for one in places]}],
        }
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": SINCE}
        status = {"provisionedNamespaces": sorted(one.name for one in places), "conditions": [ready]}
        parent = self.custom("ClusterExternalSecret", "", "fan", spec, status)
        owner = {key: parent["metadata"][key] for key in ("name", "uid")}
        owner |= {"apiVersion": parent["apiVersion"], "kind": parent["kind"], "controller": True, "blockOwnerDeletion": True}
        for place in places:
            body = {"apiVersion": parent["apiVersion"], "kind": "ExternalSecret", "metadata": {"name": "child"}, "spec": child}
            body["metadata"]["ownerReferences"] = [owner]
            path = f"{self.ground.path('ExternalSecret', place.name, 'child')}?fieldManager=ack-secret-manager&force=true"
            self.request("PATCH", path, body, content_type="application/apply-patch+yaml")
            self.worked_on("ExternalSecret", place.name, "child", _succeeded())
            self.secret(place.name, "child", {"db": "first"})

    def deployment(self) -> None:
        """Leave the Deployment, scaled to nothing."""
        namespace, name = DEPLOYMENT.split("/")
        arguments = ["--reconcile-period=5s", "--polling-interval=120s", "--region=cn-hangzhou", "--token-rotation-period=120s"]
        container = {"name": name, "image": "registry.example.com/acs/ack-secret-manager:v0.6.2", "args": arguments}
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
        body = {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
        self.request("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)


def _succeeded() -> dict[str, Any]:
    return {"dataSyncResults": [{"status": "Succeeded", "synchronizationTime": SINCE}]}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Territory]:
    values = {"db": "first", "other": "two", "doc": DOCUMENT, "yaml": "user: ada\ntags: [a, b]\n", "turning": "one"}
    with territory(tmp_path_factory.mktemp("takeover"), **values) as made:
        install(made.control_plane, "rbac", "-n", SYSTEM, "--", f"--from-deployment={DEPLOYMENT}")
        former_definition(made.control_plane)
        yield made


def former_definition(control_plane: ControlPlane) -> None:
    """Take from the definition of ExternalSecrets what only ours has, and wait until the server prunes it."""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.{GROUP.split('/')[2]}"
    found = control_plane.request("GET", path)
    status = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    assert status.pop("conditions")
    assert status.pop("observedGeneration")
    control_plane.request("PUT", path, found)

    def is_pruned() -> bool:
        condition = {"type": "Ready", "status": "True", "reason": "R", "message": "", "lastTransitionTime": SINCE}
        probe = {"metadata": {"name": "probe"}, "apiVersion": GROUP.removeprefix("/apis/"), "kind": "ExternalSecret", "spec": {}}
        collection = f"{GROUP}/namespaces/default/externalsecrets"
        control_plane.request("POST", collection, probe)
        body = {"status": {"conditions": [condition]}}
        stored = control_plane.request("PATCH", f"{collection}/probe/status", body, content_type=MERGE)
        control_plane.request("DELETE", f"{collection}/probe")
        return not stored.get("status", {}).get("conditions")

    wait_until(is_pruned, timeout_s=SOON_S, what="the former definition")


@pytest.fixture(scope="module")
def places(ground: Territory) -> list[Place]:
    """Everything as the former controller left it: one namespace of a team, two with children."""
    former, team, children = Former(ground), ground.namespace(), [ground.namespace() for _ in range(CHILDREN)]
    former.deployment()
    team.credentials("ak")
    keys = {
        field: {"name": "ak", "namespace": team.name, "key": key}
        for field, key in (("accessKey", "id"), ("accessKeySecret", "secret"))
    }
    former.store("SecretStore", team.name, "keys", keys)
    former.store("ClusterSecretStore", "", "shared", keys)
    for name, (spec, data) in LEFT.items():
        former.external(team.name, name, spec, data)
    former.fan(children)
    return [team, *children]


def versions(kind: str, places: list[Place]) -> dict[str, str]:
    """Return the version of every object of a kind."""
    lists = [one.territory.control_plane.request("GET", one.territory.path(kind, one.name))["items"] for one in places]
    found = [one["metadata"] for items in lists for one in items]
    return {f"{one['namespace']}/{one['name']}": one["resourceVersion"] for one in found}


def everyone_had_rounds(serve: Serve, times: int) -> None:
    """Wait until there were some rounds an object, and assert that each of them found everything in order."""
    rounds = times * (len(LEFT) + CHILDREN)
    wait_until(lambda: serve.total("asm_rounds_total") >= rounds, timeout_s=2 * SOON_S, what=f"{rounds} rounds")
    assert serve.total("asm_rounds_total", having='"in-sync"') == serve.total("asm_rounds_total"), serve.log()


def test_a_shadow_beside_the_live_former_controller_finds_no_difference(ground: Territory, places: list[Place]) -> None:
    before = versions("Secret", places), versions("ExternalSecret", places)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    spec = {"holderIdentity": "ack-secret-manager-abc", "leaseDurationSeconds": 3600, "renewTime": stamp}
    ground.control_plane.request("POST", ground.path("Lease", "kube-system"), {"metadata": {"name": LOCK}, "spec": spec})
    try:
        with ground.serve("--shadow", f"--from-deployment={DEPLOYMENT}") as serve:
            everyone_had_rounds(serve.is_ready(), 2)
            assert "would be" not in serve.log()
    finally:
        ground.delete("Lease", "kube-system", LOCK)
    assert (versions("Secret", places), versions("ExternalSecret", places)) == before


def test_everything_is_taken_over_without_one_write_of_a_secret_and_a_rotation_writes_one(
    ground: Territory, places: list[Place]
) -> None:
    team, *_ = places
    secrets, externals = versions("Secret", places), versions("ExternalSecret", [team])
    with ground.serve(f"--from-deployment={DEPLOYMENT}") as serve:
        everyone_had_rounds(serve.is_ready(), 3)
        assert versions("Secret", places) == secrets
        assert versions("ExternalSecret", [team]) == externals, "what the former controller says of them is still right"
        ground.set_values(turning="two")
        team.holds("rotating", turning="two")
        after = versions("Secret", places)
        assert {name for name in secrets | after if secrets.get(name) != after.get(name)} == {f"{team.name}/rotating"}
        assert serve.total("asm_kube_requests_total", having='code="403"') == 0
