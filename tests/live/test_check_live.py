"""`check` on the real parts: everything fine, and each thing that can be missing told apart, with a hint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.live.command import Asm, Ran
from tests.live.teams import *  # noqa: F403  # fixtures are shared by import
from tests.live.teams import ACCESS_KEY, ACCESS_SECRET, HOME, NEAR, NEW_KEY, NEW_SECRET, PROVIDER, Team, key_refs

KEY = {"ACCESS_KEY_ID": NEW_KEY, "SECRET_ACCESS_KEY": NEW_SECRET}


def results(ran: Ran, name: str) -> dict[str, str]:
    return {item["subject"]: item["result"] for item in ran.json()["items"] if item["check"] == name}


def _is_foreign(subject: str) -> bool:
    """Whether a check is about what another test put into the cluster: this one has no store of its own there."""
    return subject.startswith("ClusterSecretStore ")


def test_a_complete_set_up_has_no_failure(asm: Asm, team: Team) -> None:
    team.service_account("reader", NEAR)
    team.store("main", {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER})
    team.external("app", store="main")
    ran = asm.run("check", *asm.cloud(), "-o", "json", env=KEY)
    document = ran.json()
    assert document["kind"] == "Check"
    failed = [item for item in document["items"] if item["result"] == "failed"]
    assert [item for item in failed if not _is_foreign(item["subject"])] == []
    assert ran.code == bool(failed), ran.out + ran.err
    assert results(ran, "clock")["API server"] == "ok"
    assert set(results(ran, "endpoint")) == {"kms-vpc.cn-hangzhou.aliyuncs.com", "sts.cn-hangzhou.aliyuncs.com"}
    credentials = {subject: result for subject, result in results(ran, "credentials").items() if not _is_foreign(subject)}
    assert credentials == {"environment": "ok", f"SecretStore {team.namespace}/main": "ok"}
    assert set(results(ran, "crd").values()) == {"ok"}
    assert set(results(ran, "permission").values()) == {"ok"}
    assert not [call for call in asm.calls() if call["action"] in ("GetSecretValue", "GetSecretParameter")]


def test_missing_rights_and_broken_stores_fail_with_a_hint_each(
    asm: Asm, team: Team, kubeconfig_for: Callable[..., Path], grant: Callable[..., None]
) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": "canary-wrong"})
    team.store("main", key_refs())
    team.external("app", store="main")
    grant("reader", ["get", "list"], ["externalsecrets", "secretstores"], group="alibabacloud.com")
    grant("reader", ["get", "list"], ["secrets"])
    ran = asm.run("check", *asm.cloud(), "-o", "json", env={**KEY, "KUBECONFIG": str(kubeconfig_for("reader"))})
    assert ran.code == 1, ran.out + ran.err
    rights = results(ran, "permission")
    assert rights[f"create secrets in {team.namespace}"] == "failed"
    assert rights[f"get secrets in {team.namespace}"] == "ok"
    assert rights["get clustersecretstores.alibabacloud.com"] == "warning"
    assert results(ran, "credentials")[f"SecretStore {team.namespace}/main"] == "failed"
    assert all(item["hint"] for item in ran.json()["items"] if item["result"] == "failed")
    assert "SignatureDoesNotMatch" in ran.out
    assert "canary-wrong" not in ran.out + ran.err


def test_a_cluster_that_is_not_there_is_a_failed_check_and_not_the_end(asm: Asm, team: Team) -> None:
    ran = asm.run("check", *asm.cloud(), "-s", "https://127.0.0.1:1", "-o", "json")
    assert ran.code == 1, ran.err
    assert set(results(ran, "api-server").values()) == {"failed"}
    lost = asm.run("check", *asm.cloud(), "--kubeconfig", "/nowhere/config")
    assert lost.code == 1
    assert "/nowhere/config" in lost.out
    assert team.names() == []


def test_offline_looks_at_settings_kubeconfig_and_local_sources_and_connects_to_nothing(asm: Asm, tmp_path: Path) -> None:
    (tmp_path / ".aliyun").mkdir()
    profile = {"name": "dev", "mode": "AK", "access_key_id": ACCESS_KEY, "access_key_secret": ACCESS_SECRET}
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "dev", "profiles": [profile]}))
    ran = asm.run("check", "--offline", "-s", "https://127.0.0.1:1", "--credentials", "profile", "-o", "json")
    assert ran.code == 0, ran.out + ran.err
    assert results(ran, "kubeconfig") == {"context test": "ok"}
    assert results(ran, "credentials") == {"--credentials=profile": "ok"}
    assert results(ran, "settings") == {"environment": "ok", "region": "warning"}
    assert ACCESS_SECRET not in ran.out + ran.err
    half = asm.run("check", "--offline", "--credentials", "profile:lost", env={"SECRET_ACCESS_KEY": ""})
    assert half.code == 1
    assert "ACCESS_KEY_ID is set alone" in half.out
    assert 'no profile "lost"' in half.out
    assert "hint: credentials --credentials=profile:lost: its profiles: dev" in half.err
    assert asm.calls() == []


def test_the_table_names_the_identity_of_each_store(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("main", key_refs())
    team.external("app", store="main")
    ran = asm.run("check", *asm.cloud(), "app")
    assert ran.code == 0, ran.out + ran.err
    assert f"acs:ram::{HOME}:user/app" in ran.out
