"""As whom commands read: whoami, the guard of sync, and sources outside the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live.command import Asm
from tests.live.controlplane import ControlPlane
from tests.live.teams import *  # noqa: F403  # fixtures are shared by import
from tests.live.teams import (
    ACCESS_KEY,
    ACCESS_SECRET,
    CLOSED,
    FAR,
    HOME,
    NEAR,
    NEW_KEY,
    NEW_SECRET,
    OTHER,
    PROVIDER,
    VALUE,
    Team,
    assert_synced,
    callers,
    key_refs,
)

# -- whoami, and the guard of sync


def of_this_namespace(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Leave out cluster stores: those of other tests share the cluster."""
    return [item for item in document["items"] if not item["store"] or item["store"]["kind"] != "ClusterSecretStore"]


def test_whoami_names_the_identity_of_every_store_and_of_the_environment(asm: Asm, team: Team) -> None:
    team.service_account("reader", NEAR)
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("account", {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER})
    team.store("hop", {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER, "remoteRamRoleARN": FAR}, "OOS")
    team.store("key", key_refs())
    team.store("lost", key_refs("nowhere"))
    team.store("closed", {**key_refs(), "ramRoleARN": CLOSED})
    team.external("app", store="key")
    ran = asm.run("whoami", *asm.cloud(), "-o", "json", env={"ACCESS_KEY_ID": NEW_KEY, "SECRET_ACCESS_KEY": NEW_SECRET})
    assert ran.code == 1, ran.err
    document = ran.json()
    assert document["kind"] == "WhoAmI"
    items = {item["store"]["name"] if item["store"] else "environment": item for item in of_this_namespace(document)}
    assert {name: item["arn"] for name, item in items.items()} == {
        "environment": f"acs:ram::{HOME}:user/new",
        "account": f"acs:ram::{HOME}:assumed-role/near/ack-secret-manager",
        "hop": f"acs:ram::{OTHER}:assumed-role/kms-reader/ack-secret-manager",
        "key": f"acs:ram::{HOME}:user/app",
        "lost": None,
        "closed": None,
    }
    assert (items["hop"]["account"], items["hop"]["provider"], items["hop"]["tier"]) == (OTHER, "oos", "serviceAccountRRSA")
    assert items["key"]["usedBy"] == 1
    assert items["lost"]["error"]["class"] == "reference"
    assert (items["closed"]["error"]["code"], items["closed"]["error"]["status"]) == ("NoPermission", 403)
    assert not [call for call in asm.calls() if call["service"] in ("kms", "oos")]
    table = asm.run("whoami", *asm.cloud())
    assert f"SecretStore {team.namespace}/key" in table.out
    assert ACCESS_SECRET not in ran.out + ran.err + table.out + table.err


def test_whoami_of_selected_objects_asks_for_their_stores_only(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("used", key_refs())
    team.store("idle", key_refs())
    team.external("app", store="used")
    ran = asm.run("whoami", "app", *asm.cloud(), "-o", "json")
    assert ran.code == 0, ran.err
    assert [item["store"]["name"] for item in ran.json()["items"]] == ["used"]


def test_whoami_of_files_asks_for_the_stores_they_define_and_use(asm: Asm, team: Team, tmp_path: Path) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("live", key_refs())
    team.store("idle", key_refs())
    version = "apiVersion: alibabacloud.com/v1alpha1"
    auth = "accessKey: {name: ak, key: id}, accessKeySecret: {name: ak, key: secret}"
    (tmp_path / "m.yaml").write_text(
        f"{version}\nkind: SecretStore\nmetadata: {{name: planned}}\nspec: {{KMS: {{KMSAuth: {{{auth}}}}}}}\n---\n"
        f"{version}\nkind: ExternalSecret\nmetadata: {{name: app}}\n"
        "spec: {data: [{key: db, secretStoreRef: {name: live}}, {key: db, secretStoreRef: {name: nowhere}}]}\n"
    )
    ran = asm.run("whoami", "-f", str(tmp_path / "m.yaml"), *asm.cloud(), "-o", "json", env={"ACCESS_KEY_ID": ""})
    items = {item["store"]["name"]: item for item in ran.json()["items"]}
    assert ran.code == 1, "one store is nowhere"
    assert {name: (item["account"], item["usedBy"]) for name, item in items.items()} == {
        "live": (HOME, 1), "planned": (HOME, 0), "nowhere": (None, 1)
    }  # fmt: skip
    assert "does not exist" in items["nowhere"]["error"]["message"]


def test_sync_says_as_whom_each_store_reads_before_it_writes(asm: Asm, team: Team) -> None:
    team.service_account("reader", NEAR)
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("role", {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER})
    team.store("key", key_refs())
    for name in ("role", "key"):
        team.external(name, store=name)
    ran = asm.sync()
    assert_synced(ran)
    assert f"SecretStore {team.namespace}/role reads as {NEAR}, by the ServiceAccount {team.namespace}/reader" in ran.err
    assert f"SecretStore {team.namespace}/key reads as acs:ram::{HOME}:user/app, by an AccessKey" in ran.err
    assert sum(call["action"] == "GetCallerIdentity" for call in asm.calls()) == 1, "a written role is not asked for"
    assert "reads as" not in asm.sync("-q").err


def test_sync_with_another_account_than_expected_reads_nothing(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("key", key_refs())
    team.external("app", store="key")
    refused = asm.sync("--expect-account", OTHER)
    assert refused.code == 2
    assert f"belongs to account {HOME}" in refused.err
    assert team.names() == ["ak"]
    assert {call["action"] for call in asm.calls()} == {"GetCallerIdentity"}
    assert_synced(asm.sync("--expect-account", HOME))
    team.replace_secret("ak", {"id": ACCESS_KEY, "secret": "canary-wrong-secret"})
    unknown = asm.sync("--expect-account", HOME)
    assert unknown.code == 2
    assert "cannot be found out" in unknown.err


# -- outside the cluster


def write_profiles(home: Path) -> None:
    key = {"access_key_id": NEW_KEY, "access_key_secret": NEW_SECRET}
    profiles = [
        {"name": "plain", "mode": "AK", **key},
        {"name": "role", "mode": "RamRoleArn", "ram_role_arn": NEAR, "ram_session_name": "laptop", **key},
    ]
    (home / ".aliyun").mkdir()
    (home / ".aliyun" / "config.json").write_text(json.dumps({"current": "plain", "profiles": profiles}))


@pytest.mark.parametrize(
    ("source", "arn"),
    [
        ("profile", f"acs:ram::{HOME}:user/new"),
        ("profile:role", f"acs:ram::{HOME}:assumed-role/near/laptop"),
        ("metadata", "acs:ram::1000000000000001:assumed-role/EmulatorWorkerRole/i-emulator"),
    ],
)
def test_the_environment_client_takes_the_one_local_source_that_was_asked_for(
    asm: Asm, team: Team, tmp_path: Path, source: str, arn: str
) -> None:
    write_profiles(tmp_path)
    team.external("app")
    ran = asm.sync("--credentials", source, env={"ALICLOUD_REMOTE_ROLE_ARN": FAR})
    assert_synced(ran)
    assert f"environment reads as {arn}, by --credentials={source}" in ran.err
    assert NEW_SECRET not in ran.out + ran.err


def test_a_local_source_is_no_help_to_stores(asm: Asm, team: Team, tmp_path: Path) -> None:
    write_profiles(tmp_path)
    team.store("main", {})
    team.external("app", store="main")
    assert asm.sync("--credentials", "profile:plain").code == 1
    assert "no credentials are configured" in team.reason("app")
    assert asm.calls() == []


@pytest.mark.parametrize(
    ("source", "words"), [("profile:lost", 'no profile "lost"'), ("uri", "is not set"), ("vault", "is not known")]
)
def test_a_local_source_that_is_not_there_ends_the_command(asm: Asm, team: Team, tmp_path: Path, source: str, words: str) -> None:
    write_profiles(tmp_path)
    team.external("app")
    ran = asm.sync("--credentials", source)
    assert ran.code == 2
    assert words in ran.err
    assert team.names() == []


def test_without_a_token_file_the_account_of_the_named_deployment_is_asked_for(
    asm: Asm, team: Team, control_plane: ControlPlane, tmp_path: Path
) -> None:
    team.service_account("reader", "")
    labels = {"app": "asm"}
    pod = {"serviceAccountName": "reader", "containers": [{"name": "manager", "image": "example/manager:v0.6.2"}]}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    body = {"metadata": {"name": "named"}, "spec": spec}
    control_plane.request("POST", f"/apis/apps/v1/namespaces/{team.namespace}/deployments", body)
    team.store("main", {"ramRoleARN": NEAR, "oidcProviderARN": PROVIDER, "oidcTokenFilePath": str(tmp_path / "token")})
    team.external("app", store="main")
    named = ("--from-deployment", f"{team.namespace}/named", "--allow-coexistence")
    assert_synced(asm.sync(*named))
    assert callers(asm) == {"STS.near"}
    (tmp_path / "token").write_text("no-token")
    assert asm.sync(*named).code == 1, "a file that is there is read"


def test_a_cluster_store_is_looked_at_whomever_it_admits(asm: Asm, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    folder.mkdir()
    store = {"conditions": [{"namespaces": ["nobody"]}], "KMS": {"KMSAuth": key_refs()}}
    for ref in ("accessKey", "accessKeySecret"):
        store["KMS"]["KMSAuth"][ref]["namespace"] = "ops"
    secret = {"metadata": {"name": "ak", "namespace": "ops"}, "stringData": {"id": ACCESS_KEY, "secret": ACCESS_SECRET}}
    api = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": "ClusterSecretStore", "metadata": {"name": "all"}, "spec": store}
    (folder / "store.json").write_text(json.dumps(api))
    (folder / "secret.json").write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", **secret}))
    ran = asm.run("whoami", *asm.cloud(), "--cluster-dir", str(folder), "-n", "shop", "-o", "json", env={"ACCESS_KEY_ID": ""})
    assert ran.code == 0, ran.out + ran.err
    (item,) = ran.json()["items"]
    assert (item["store"], item["account"]) == ({"kind": "ClusterSecretStore", "namespace": "", "name": "all"}, HOME)


def test_the_token_of_the_controllers_account_stands_in_for_the_token_file(asm: Asm, team: Team) -> None:
    team.service_account("reader", "")
    team.store("main", {"ramRoleARN": NEAR, "oidcProviderARN": PROVIDER})
    team.external("app", store="main")
    assert_synced(asm.sync("--controller-service-account", f"{team.namespace}/reader"))
    assert team.value("app") == VALUE
    assert callers(asm) == {"STS.near"}
    refused = asm.sync("--controller-service-account", "reader")
    assert refused.code == 2
    assert "is not NS/NAME" in refused.err
