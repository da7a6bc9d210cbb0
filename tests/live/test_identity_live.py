"""Identities on the real parts: every tier from a store in a real API server to KMS and OOS over HTTPS, and how it fails."""

from __future__ import annotations

import base64
import json
import socket
import time
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
    PROVIDER,
    VALUE,
    Team,
    accounts,
    assert_synced,
    callers,
    key_refs,
    set_accounts,
)

# -- every tier


@pytest.mark.parametrize(("provider", "key"), [("KMS", "db"), ("OOS", "param")])
def test_a_service_account_reference_uses_a_token_of_the_real_api_server(asm: Asm, team: Team, provider: str, key: str) -> None:
    team.service_account("reader", NEAR)
    team.store("main", {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER}, provider)
    team.external("app", store="main", key=key, provider=provider.lower())
    assert_synced(asm.sync("-q"))
    assert team.value("app") == VALUE
    assert callers(asm) == {"STS.near"}
    assert [call["action"] for call in asm.calls() if call["service"] == "sts"] == ["AssumeRoleWithOIDC"]


def test_a_service_account_whose_subject_the_role_does_not_trust_is_refused(asm: Asm, team: Team) -> None:
    team.service_account("stranger", NEAR)
    team.store("main", {"serviceAccountRef": {"name": "stranger"}, "oidcProviderARN": PROVIDER})
    team.external("app", store="main")
    ran = asm.sync("-q")
    assert ran.code == 1
    assert "AuthenticationFail.NoPermission" in team.reason("app")
    assert NEAR in team.reason("app")
    assert team.names() == []


def test_the_token_file_tier_reads_the_file_of_the_store(asm: Asm, team: Team, tmp_path: Path) -> None:
    team.service_account("reader", "")
    (tmp_path / "token").write_text(team.token("reader") + "\n")
    team.store("main", {"ramRoleARN": NEAR, "oidcProviderARN": PROVIDER, "oidcTokenFilePath": str(tmp_path / "token")})
    team.external("app", store="main")
    assert_synced(asm.sync("-q"))
    assert team.value("app") == VALUE
    assert callers(asm) == {"STS.near"}


def test_without_the_token_file_the_reason_names_the_file_and_the_way_out(asm: Asm, team: Team) -> None:
    team.store("main", {"ramRoleARN": NEAR, "oidcProviderARN": PROVIDER})
    team.external("app", store="main")
    ran = asm.sync("-q")
    assert ran.code == 1
    assert "/var/run/secrets/tokens/ack-secret-manager" in team.reason("app")
    assert [call for call in asm.calls() if call["service"] == "kms"] == []


@pytest.mark.parametrize(("provider", "key"), [("KMS", "db"), ("OOS", "param")])
def test_an_access_key_of_a_secret_assumes_the_role(asm: Asm, team: Team, provider: str, key: str) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("main", {**key_refs(), "ramRoleARN": NEAR}, provider)
    team.external("app", store="main", key=key, provider=provider.lower())
    assert_synced(asm.sync("-q"))
    assert callers(asm) == {"STS.near"}
    assert callers(asm, "AssumeRole") == {ACCESS_KEY}


def test_an_access_key_of_a_secret_signs_by_itself_and_its_rotation_is_noticed(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET + "\n"})
    team.store("main", key_refs())
    team.external("app", store="main")
    assert_synced(asm.sync("-q"))
    assert callers(asm) == {ACCESS_KEY}
    team.replace_secret("ak", {"id": NEW_KEY, "secret": NEW_SECRET})
    asm.record.write_text("")
    assert_synced(asm.sync("-q"))
    assert NEW_KEY in callers(asm)


def test_the_environment_client_signs_with_the_variables_and_stores_never_do(asm: Asm, team: Team) -> None:
    team.store("main", {})
    team.external("plain")
    team.external("stored", store="main")
    ran = asm.sync("-q", env={"ACCESS_KEY_ID": NEW_KEY, "SECRET_ACCESS_KEY": NEW_SECRET})
    assert ran.code == 1
    assert team.names() == ["plain"]
    assert callers(asm) == {NEW_KEY}
    assert "no credentials are configured" in team.reason("stored")


def test_the_worker_role_is_used_only_when_asked_for(asm: Asm, team: Team) -> None:
    team.store("main", {})
    team.external("app", store="main")
    assert asm.sync("-q").code == 1
    assert asm.calls() == [], "metadata is never probed unasked"
    assert_synced(asm.sync("-q", "--enable-worker-role"))
    assert callers(asm) == {"STS.EmulatorWorkerRole"}


def test_the_hop_into_another_account_stands_on_top_of_a_service_account(asm: Asm, team: Team) -> None:
    team.service_account("reader", NEAR)
    auth = {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER, "remoteRamRoleARN": FAR}
    team.store("main", auth)
    team.external("app", store="main")
    assert_synced(asm.sync("-q"))
    assert callers(asm) == {"STS.kms-reader"}
    assert callers(asm, "AssumeRole") == {"STS.near"}


# -- refusals of the services


def test_a_refused_role_is_reported_with_its_code_and_nothing_is_read(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("main", {**key_refs(), "ramRoleARN": CLOSED})
    team.external("app", store="main")
    ran = asm.sync("-q")
    assert ran.code == 1
    reason = team.reason("app")
    assert "NoPermission" in reason
    assert "403" in reason
    assert CLOSED in reason
    assert [call for call in asm.calls() if call["service"] == "kms"] == []
    assert ACCESS_SECRET not in reason + ran.out + ran.err


def test_a_refused_hop_names_the_role_of_the_other_account(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("main", {**key_refs(), "remoteRamRoleARN": FAR})
    team.external("app", store="main")
    assert asm.sync("-q").code == 1
    assert FAR in team.reason("app")
    assert "NoPermission" in team.reason("app")


def test_a_refused_read_names_code_resource_and_the_entry_that_asked(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": "LTAIpoor", "secret": ACCESS_SECRET})
    team.store("main", key_refs())
    team.external("app", store="main")
    ran = asm.run("sync", *asm.cloud(), "-q")
    assert ran.code == 1
    refused = f"acs:kms:cn-hangzhou:{HOME}:secret/db"
    for word in ("Forbidden.NoPermission", "403", refused):
        assert word in team.reason("app")
    place = f"ExternalSecret {team.namespace}/app data[0] (key db) through SecretStore {team.namespace}/main"
    assert f"hint: {place}: allow the call on {refused} to the identity" in ran.err


def test_a_wrong_access_key_secret_is_reported_by_code_alone(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": "canary-wrong-secret"})
    team.store("main", key_refs())
    team.external("app", store="main")
    ran = asm.sync("-q")
    assert ran.code == 1
    assert "SignatureDoesNotMatch" in team.reason("app")
    assert "canary-wrong" not in ran.out + ran.err + team.reason("app")


def test_a_throttled_sts_is_asked_again_a_few_times_and_then_reported(asm: Asm, team: Team, tmp_path: Path) -> None:
    fail = {"role": NEAR, "fail": {"code": "Throttling.User", "status": 400}}
    set_accounts(tmp_path, {**accounts(), "sts": {"fail": [fail]}})
    time.sleep(0.3)
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("main", {**key_refs(), "ramRoleARN": NEAR})
    team.external("app", store="main")
    start = time.monotonic()
    assert asm.sync("-q").code == 1
    assert time.monotonic() - start < 20
    assert "Throttling.User" in team.reason("app")
    assert 2 <= sum(call["action"] == "AssumeRole" for call in asm.calls()) <= 4


# -- refusals of our own


def test_a_closed_gate_is_found_before_anything_is_asked(
    asm: Asm, team: Team, control_plane: ControlPlane, namespace: str
) -> None:
    elsewhere = f"{namespace}-b"
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": elsewhere}})
    other = Team(control_plane, elsewhere)
    other.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    other.store("main", key_refs())
    team.external_of("app", elsewhere)
    ran = asm.sync("--enable-cross-namespace-secret-store=false")
    assert ran.code == 1
    assert elsewhere in team.reason("app")
    assert namespace in team.reason("app")
    assert asm.calls() == []
    assert_synced(asm.sync("-q"))


@pytest.mark.parametrize(
    ("secret", "refs", "words"),
    [
        (None, key_refs(), "Secret {ns}/ak does not exist"),
        ({"id": ACCESS_KEY}, key_refs(), 'Secret {ns}/ak has no key "secret"'),
        ({"id": ACCESS_KEY, "secret": ""}, key_refs(), 'key "secret" of Secret {ns}/ak is empty'),
    ],
)
def test_a_broken_store_is_one_sentence_in_status_and_table(
    asm: Asm, team: Team, secret: dict[str, str] | None, refs: dict[str, Any], words: str
) -> None:
    if secret is not None:
        team.secret("ak", secret)
    team.store("main", refs)
    team.external("app", store="main")
    ran = asm.run("sync", *asm.cloud(), "-q")
    assert ran.code == 1
    for text in (ran.out, team.reason("app")):
        assert f"SecretStore {team.namespace}/main" in text
        assert words.format(ns=team.namespace) in text
    assert asm.calls() == []


@pytest.mark.parametrize(
    ("entry", "options", "words"),
    [
        ({"kmsEndpoint": "evil.example.com"}, (), "evil.example.com"),
        ({}, ("--region", ""), "--region"),
        ({}, ("--kms-endpoint", "169.254.169.254"), "--kms-endpoint"),
    ],
)
def test_an_unusable_endpoint_is_named_with_its_fix(
    asm: Asm, team: Team, entry: dict[str, str], options: tuple[str, ...], words: str
) -> None:
    team.external("app", **entry)
    ran = asm.run("sync", *asm.cloud(), *options, "-q")
    assert ran.code == 1
    assert words in team.reason("app")
    assert words in ran.out
    assert [call for call in asm.calls() if call["service"] == "kms"] == []


def test_a_metadata_service_that_never_answers_costs_bounded_time(asm: Asm, team: Team) -> None:
    team.external("app")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        ran = asm.run(
            "sync", "-q", "--region", "cn-hangzhou", "--enable-worker-role",
            env={"ACCESS_KEY_ID": "", "SECRET_ACCESS_KEY": "", "ALIBABA_CLOUD_IMDS_ENDPOINT": address},
        )  # fmt: skip
        assert time.monotonic() - start < 20
    assert ran.code == 1
    assert "instance metadata" in team.reason("app")
    assert "timeout" in team.reason("app")


def test_many_objects_wait_for_a_silent_metadata_service_once(asm: Asm, team: Team) -> None:
    for name in ("one", "two", "three"):
        team.store(name, {})
    for number in range(36):
        team.external(f"app-{number}", store=("one", "two", "three")[number % 3])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        ran = asm.run(
            "sync", "-q", "--region", "cn-hangzhou", "--enable-worker-role", "--concurrency", "2", "-o", "json",
            "--max-concurrent-kms-secret-pulls", "0", env={"ALIBABA_CLOUD_IMDS_ENDPOINT": address},
        )  # fmt: skip
        seconds = time.monotonic() - start
    reasons = {entry["reason"] for item in ran.json()["items"] for entry in item["entries"]}
    assert ran.code == 1
    assert len(ran.json()["items"]) == 36
    assert all("instance metadata" in reason for reason in reasons)
    assert seconds < 25, "36 objects that wait two seconds each, two at a time, would take longer"


def test_a_session_that_ends_during_a_pass_is_renewed(asm: Asm, team: Team, tmp_path: Path) -> None:
    set_accounts(tmp_path, {**accounts(), "sts": {"life": 2}})
    asm.fixtures.write_text(json.dumps({"kms": {f"db-{number}": VALUE for number in range(40)}}))
    time.sleep(0.3)
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.store("main", {**key_refs(), "ramRoleARN": NEAR})
    for number in range(40):
        team.external(f"app-{number}", store="main", key=f"db-{number}")
    ran = asm.run("sync", *asm.cloud()[:-1], "10", "-q", "--concurrency", "2", "-o", "json")
    assert_synced(ran)
    assert len(team.names()) == 41
    assert len([call for call in asm.calls() if call["action"] == "AssumeRole"]) >= 2, "10 reads a second outlive a session"


def test_an_access_key_that_is_mended_while_a_sync_waits_is_taken_over(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": ACCESS_KEY, "secret": "canary-wrong-secret"})
    team.store("main", key_refs())
    team.external("app", store="main")
    process = asm.start("sync", *asm.cloud(), "-q", "--wait", "--timeout", "60s")
    try:
        deadline = time.monotonic() + 30
        while not any(call["code"] == "SignatureDoesNotMatch" for call in asm.calls()):
            assert time.monotonic() < deadline, "no read was tried"
            time.sleep(0.1)
        team.replace_secret("ak", {"id": NEW_KEY, "secret": NEW_SECRET})
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    assert team.value("app") == VALUE
    assert NEW_KEY in callers(asm)


# -- nothing leaks


NOISY = [
    {"DEBUG": "sdk"},
    {
        "DEBUG": "1",
        "ALIBABA_CLOUD_DEBUG": "1",
        "ALIBABA_CLOUD_SDK_DEBUG": "true",
        "ALIBABACLOUD_DEBUG": "1",
        "PYTHONDEVMODE": "1",
    },
]


@pytest.mark.parametrize("noisy", NOISY, ids=["DEBUG=sdk", "every other switch"])
def test_no_output_and_no_status_holds_a_token_a_key_or_a_signature(
    asm: Asm, team: Team, tmp_path: Path, noisy: dict[str, str]
) -> None:
    team.service_account("reader", NEAR)
    team.secret("ak", {"id": ACCESS_KEY, "secret": ACCESS_SECRET})
    team.secret("bad", {"id": ACCESS_KEY, "secret": "canary-bad-secret"})
    token = team.token("reader")
    (tmp_path / "token").write_text(token)
    team.store("sa", {"serviceAccountRef": {"name": "reader"}, "oidcProviderARN": PROVIDER, "remoteRamRoleARN": FAR})
    team.store("file", {"ramRoleARN": CLOSED, "oidcProviderARN": PROVIDER, "oidcTokenFilePath": str(tmp_path / "token")})
    team.store("key", key_refs())
    team.store("bad", {**key_refs("bad"), "ramRoleARN": NEAR})
    for name in ("sa", "file", "key", "bad"):
        team.external(name, store=name)
    runs = [asm.run("sync", *asm.cloud(), "--debug", "-v=9", env=noisy), asm.sync("--debug", env=noisy)]
    runs += [asm.run(word, *asm.cloud(), "--debug", "-v=9", env=noisy) for word in ("whoami", "check")]
    runs += [asm.run("explain", "-o", "json", "-v=9", env=noisy), asm.run("whoami", *asm.cloud(), "-o", "json", env=noisy)]
    assert "cloud POST sts.cn-hangzhou.aliyuncs.com 200" in runs[0].err, "requests are told, not what they hold"
    assert "kube POST /api/v1/namespaces/" in runs[0].err
    texts = [text for ran in runs for text in (ran.out, ran.err)]
    texts += [team.reason(name) for name in ("file", "bad")]
    texts.append(asm.record.read_text())
    encoded = [base64.b64encode(text.encode()).decode() for text in (ACCESS_SECRET, VALUE)]
    secrets = [ACCESS_SECRET, "canary-bad", VALUE, *encoded, token, token.split(".")[1], "eyJ"]
    secrets += ["Signature=", "Signature:", "signature=", "Authorization", "authorization:", "Bearer ", "bearer "]
    secrets += ["SecurityToken=", "security-token", "acs3-hmac", "ACS3-HMAC", "X-aliyun-ecs"]
    for text in texts:
        for secret in secrets:
            assert secret not in text
