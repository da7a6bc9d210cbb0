"""`explain` beside a real API server: live comparison, and RBAC manifests that are enough and have nothing to spare."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.command import Asm, Ran, emulator
from tests.live.controlplane import ControlPlane
from tests.live.test_sync_live import FIXTURES, Objects

ROLE = "acs:ram::1000000000000001:role/reader"
OIDC = "acs:ram::1000000000000001:oidc-provider/ack-rrsa-c1"
OWN = "/apis/alibabacloud.com/v1alpha1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def objects(control_plane: ControlPlane, namespace: str) -> Objects:
    return Objects(control_plane, namespace)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[tuple[Path, Path, Path]]:
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps(FIXTURES))
    with emulator(tmp_path, fixtures) as (ready, record):
        yield ready, record, fixtures


@pytest.fixture
def user(cloud: tuple[Path, Path, Path], tmp_path: Path, kubeconfig_for: Callable[..., Path]) -> Callable[[str], Asm]:
    """Return the command line of a user, who may do nothing until granted."""
    ready, record, fixtures = cloud
    return lambda name: Asm(kubeconfig_for(name), ready, tmp_path, record, fixtures)


def create(server: ControlPlane, path: str, kind: str, name: str, version: str = "v1", **fields: Any) -> None:
    metadata = {"name": name, **fields.pop("metadata", {})}
    server.request("POST", path, {"apiVersion": version, "kind": kind, "metadata": metadata, **fields})


def patch(server: ControlPlane, path: str, body: dict[str, Any]) -> None:
    server.request("PATCH", path, body, content_type="application/merge-patch+json")


def populate(server: ControlPlane, objects: Objects) -> None:
    """Two objects that need every right there is: stores of both kinds, keys, a ServiceAccount, a template's ConfigMap."""
    namespace = objects.namespace
    core, own, version = f"/api/v1/namespaces/{namespace}", f"{OWN}/namespaces/{namespace}", "alibabacloud.com/v1alpha1"
    create(server, f"{core}/secrets", "Secret", "ak", stringData={"id": "emulator", "secret": "emulator"})
    annotations = {"ack.alibabacloud.com/role-arn": ROLE}
    create(server, f"{core}/serviceaccounts", "ServiceAccount", "reader", metadata={"annotations": annotations})
    create(server, f"{core}/configmaps", "ConfigMap", "shape", data={"line": "{{ .db }}"})
    keys = {field: {"name": "ak", "key": key} for field, key in (("accessKey", "id"), ("accessKeySecret", "secret"))}
    create(server, f"{own}/secretstores", "SecretStore", "keys", version, spec={"KMS": {"KMSAuth": keys}})
    account = {"serviceAccountRef": {"name": "reader", "namespace": namespace}, "oidcProviderARN": OIDC}
    conditions = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace, "team": "a"}}}]
    patch(server, f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {"team": "a"}}})
    spec = {"KMS": {"KMSAuth": account}, "conditions": conditions}
    create(server, f"{OWN}/clustersecretstores", "ClusterSecretStore", f"cs-{namespace}", version, spec=spec)
    template = {"templateFrom": [{"configMap": {"name": "shape", "items": [{"key": "line"}]}}]}
    objects.external("new", {"data": [{"key": "db", "secretStoreRef": {"name": "keys"}}], "target": {"template": template}})
    shared = {"name": f"cs-{namespace}", "kind": "ClusterSecretStore"}
    objects.external("old", {"data": [{"key": "other", "name": "o", "secretStoreRef": shared}]})


def reset(server: ControlPlane, objects: Objects) -> None:
    """The state before a sync: one target to create, one to update, no status."""
    for name in ("new", "old"):
        if name in objects.names():
            server.request("DELETE", f"/api/v1/namespaces/{objects.namespace}/secrets/{name}")
        path = f"{OWN}/namespaces/{objects.namespace}/externalsecrets/{name}/status"
        patch(server, path, {"status": {"dataSyncResults": []}})
    objects.create_secret("old", {"o": "before"})


class Rights:
    """The generated roles, bound to one user and replaced between syncs."""

    def __init__(self, server: ControlPlane, user: str) -> None:
        self._server = server
        self._user = user
        self._made: list[str] = []

    def replace(self, roles: list[dict[str, Any]]) -> None:
        for path in self._made:
            self._server.request("DELETE", path)
        self._made = []
        for role in roles:
            kind, namespace = role["kind"], role["metadata"].get("namespace", "")
            base = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
            name = f"{self._user}-{kind.lower()}"
            named = {**role, "metadata": {**role["metadata"], "name": name}}
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
            subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self._user}]
            for plural, body in (
                (f"{kind.lower()}s", named),
                (f"{kind.lower()}bindings", {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}),
            ):
                self._server.request("POST", f"{base}/{plural}", body)
                self._made.append(f"{base}/{plural}/{name}")


def smaller(roles: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every way to take one verb on one name out of the roles."""
    for place, role in enumerate(roles):
        for number, rule in enumerate(role["rules"]):
            for verb in rule["verbs"]:
                for name in rule.get("resourceNames", [""]):
                    less = copy.deepcopy(roles)
                    rest = {**rule, "verbs": [one for one in rule["verbs"] if one != verb]}
                    others = [one for one in rule.get("resourceNames", []) if one != name]
                    kept = [rest] if rest["verbs"] else []
                    kept += [{**rule, "verbs": [verb], "resourceNames": others}] if others else []
                    less[place]["rules"][number : number + 1] = kept
                    yield f"{verb} {'/'.join(rule['resources'])} {name}", less


def is_complete(ran: Ran, objects: Objects) -> bool:
    """Whether a sync wrote both Secrets and both statuses."""
    statuses = [objects.get_external(name).get("status", {}).get("dataSyncResults", []) for name in ("new", "old")]
    synced = all(results and all(one["status"] == "Succeeded" for one in results) for results in statuses)
    return ran.code == 0 and synced and {"new", "old"} <= set(objects.names()) and objects.data("old") == {"o": b"second"}


def test_the_generated_roles_are_enough_and_every_part_is_needed(
    control_plane: ControlPlane, objects: Objects, user: Callable[[str], Asm]
) -> None:
    populate(control_plane, objects)
    reset(control_plane, objects)
    admin, plain = user("admin"), user(f"u-{objects.namespace}")
    generated = admin.run("explain", "--region", "cn-hangzhou", "--policy", "rbac", "-o", "json", env={"ACCESS_KEY_ID": ""})
    assert generated.code == 0, generated.err
    printed = generated.json()["items"]
    roles = [one for one in printed if not one["kind"].endswith("Binding")]
    assert [one["kind"] for one in printed] == ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"]
    rights = Rights(control_plane, f"u-{objects.namespace}")

    def synced(granted: list[dict[str, Any]]) -> tuple[bool, Ran]:
        reset(control_plane, objects)
        rights.replace(granted)
        ran = plain.sync("--adopt")
        if not is_complete(ran, objects):
            return False, ran
        before = objects.data("new")
        patch(control_plane, f"/api/v1/namespaces/{objects.namespace}/secrets/new", {"stringData": {"line": "stale"}})
        ran = plain.sync()
        return ran.code == 0 and objects.data("new") == before, ran

    done, ran = synced(roles)
    assert done, ran.out + ran.err
    spare = [what for what, less in smaller(roles) if synced(less)[0]]
    assert spare == []
    rights.replace([])


def test_printed_roles_and_bindings_are_applied_as_they_are(
    control_plane: ControlPlane, objects: Objects, user: Callable[[str], Asm]
) -> None:
    name = f"v-{objects.namespace}"
    objects.external("app", {"data": [{"key": "other"}]})
    printed = user("admin").run(
        "explain", "--region", "cn-hangzhou", "--policy", "rbac", "--bind-to", f"user:{name}", "-o", "json"
    )
    assert printed.code == 0, printed.err
    assert user(name).sync().code == 2
    for one in printed.json()["items"]:
        path = f"{RBAC}/namespaces/{one['metadata']['namespace']}/{one['kind'].lower()}s"
        control_plane.request("POST", path, one)
    assert user(name).sync().code == 0
    assert objects.names() == ["app"]


def test_roles_for_a_cluster_external_secret_of_a_file_are_enough(
    control_plane: ControlPlane, objects: Objects, user: Callable[[str], Asm], tmp_path: Path
) -> None:
    name, manifest = f"w-{objects.namespace}", tmp_path / "fan.json"
    spec = {
        "externalSecretName": "app",
        "conditions": [{"namespaces": [objects.namespace]}],
        "externalSecretSpec": {"data": [{"key": "other"}]},
    }
    parent = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ClusterExternalSecret", "metadata": {"name": name}}
    manifest.write_text(json.dumps({**parent, "spec": spec}))
    given = ["-f", str(manifest), "--region", "cn-hangzhou"]
    printed = user("admin").run("explain", *given, "--live", "--policy", "rbac", "--bind-to", f"user:{name}", "-o", "json")
    assert printed.code == 0, printed.err
    made = []
    try:
        for one in printed.json()["items"]:
            place = one["metadata"].get("namespace", "")
            base = f"{RBAC}/namespaces/{place}" if place else RBAC
            named = {**one, "metadata": {**one["metadata"], "name": name}}
            if "roleRef" in named:
                named["roleRef"] = {**one["roleRef"], "name": name}
            control_plane.request("POST", f"{base}/{one['kind'].lower()}s", named)
            made.append(f"{base}/{one['kind'].lower()}s/{name}")
        ran = user(name).sync("-f", str(manifest))
        assert ran.code == 0, ran.err
        assert objects.names() == ["app"]
    finally:
        for path in made:
            control_plane.request("DELETE", path)


@pytest.mark.usefixtures("alone_with_controllers")
def test_beside_a_controller_whose_settings_cannot_be_read_explain_only_warns(
    control_plane: ControlPlane, objects: Objects, user: Callable[[str], Asm]
) -> None:
    objects.external("app", {"data": [{"key": "other"}]})
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    held = {"holderIdentity": "ack-secret-manager-0", "leaseDurationSeconds": 3600, "renewTime": now}
    path = f"/apis/coordination.k8s.io/v1/namespaces/{objects.namespace}/leases"
    control_plane.request("POST", path, {"metadata": {"name": "ack-secret-manager-lock"}, "spec": held})
    try:
        ran = user("admin").run("explain", "--region", "cn-hangzhou", "-o", "json")
    finally:
        control_plane.request("DELETE", f"{path}/ack-secret-manager-lock")
    assert ran.code == 0, ran.err
    assert "warning: a controller" in ran.err
    assert "--from-deployment NS/NAME" in ran.err
    assert [item["object"]["name"] for item in ran.json()["items"]] == ["app"]


def test_findings_of_live_objects_know_what_is_in_the_cluster(
    control_plane: ControlPlane, objects: Objects, user: Callable[[str], Asm]
) -> None:
    populate(control_plane, objects)
    own = f"{OWN}/namespaces/{objects.namespace}/secretstores"
    lost = {field: {"name": "lost", "key": "k"} for field in ("accessKey", "accessKeySecret")}
    create(control_plane, own, "SecretStore", "lost", "alibabacloud.com/v1alpha1", spec={"KMS": {"KMSAuth": lost}})
    objects.external("broken", {"data": [{"key": "db", "secretStoreRef": {"name": "lost"}}]})
    ran = user("admin").run("explain", "--region", "cn-hangzhou", "-o", "json")
    assert ran.code == 1, ran.err
    found = {item["object"]["name"]: item["findings"] for item in ran.json()["items"]}
    assert {one["code"] for one in found["broken"]} > {one["code"] for one in found["new"]}
    (missing,) = {one["message"] for one in found["broken"] if one["code"] == "ASM302"}
    assert "lost" in missing


def test_live_says_what_is_there_and_whose_it_is(objects: Objects, user: Callable[[str], Asm], tmp_path: Path) -> None:
    spec = {"data": [{"key": "db", "name": "password"}, {"key": "other"}]}
    objects.external("app", spec)
    objects.create_secret("app", {"password": "x", "theirs": "y"})
    manifest = tmp_path / "app.json"
    named = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ExternalSecret", "metadata": {"name": "app"}}
    manifest.write_text(json.dumps({**named, "spec": {**spec, "rotationInterval": "1m"}}))
    ran = user("admin").run("explain", "-f", str(manifest), "--live", "--region", "cn-hangzhou", "-o", "json")
    assert ran.code == 0, ran.err
    (item,) = ran.json()["items"]
    assert (item["live"]["exists"], item["live"]["sameSpec"], item["target"]["exists"]) == (True, False, True)
    target = item["live"]["target"]
    assert (target["present"], target["missing"], target["other"]) == (["password"], ["other"], ["theirs"])
    assert target["managers"]
    assert "--adopt" in target["needsAdopt"]
    assert item["deletion"]["removesSecret"] is True
    tree = user("admin").run("explain", "app", "--region", "cn-hangzhou")
    assert "|- live: the same spec is live" in tree.out
    assert "keys missing: other" in tree.out


def test_a_cluster_external_secret_is_explained_with_what_it_takes_over(
    control_plane: ControlPlane, objects: Objects, user: Callable[[str], Asm], tmp_path: Path
) -> None:
    objects.external("shared", {"data": [{"key": "db"}]})
    name = f"ces-{objects.namespace}"
    spec = {
        "externalSecretName": "shared",
        "conditions": [{"namespaces": [objects.namespace]}],
        "externalSecretSpec": {"data": [{"key": "other"}]},
    }
    parent = {
        "apiVersion": "alibabacloud.com/v1alpha1",
        "kind": "ClusterExternalSecret",
        "metadata": {"name": name},
        "spec": spec,
    }
    manifest = tmp_path / "ces.json"
    manifest.write_text(json.dumps(parent))
    ran = user("admin").run("explain", "-f", str(manifest), "--live", "--region", "cn-hangzhou", "-o", "json")
    (resource,) = ran.json()["clusterResources"]
    assert [child["namespace"] for child in resource["children"]] == [objects.namespace]
    assert [(one["name"], one["owner"].split(" ")[0]) for one in resource["takesOver"]] == [("shared", "nobody")]
    assert [item["object"]["name"] for item in ran.json()["items"]] == ["shared"]
