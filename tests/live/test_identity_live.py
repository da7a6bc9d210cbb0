"""Identities on the real parts: every tier from a store in a real API server to KMS and OOS over HTTPS, and how it fails."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.command import Asm, Ran, emulator
from tests.live.controlplane import ControlPlane

HOME, OTHER = "1001", "900"
PROVIDER = f"acs:ram::{HOME}:oidc-provider/ack-rrsa-c1"
NEAR, FAR, CLOSED = f"acs:ram::{HOME}:role/near", f"acs:ram::{OTHER}:role/kms-reader", f"acs:ram::{HOME}:role/closed"
ROLE_ANNOTATION = "ack.alibabacloud.com/role-arn"
ACCESS_KEY, ACCESS_SECRET = "LTAIhome", "canary-ak-secret-8Wz"
NEW_KEY, NEW_SECRET = "LTAIrotated", "canary-rotated-secret-9Xy"
VALUE = "canary-value-7Qp"


def policy(*actions: str) -> dict[str, Any]:
    return {"Version": "1", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": ["*"]}]}


def trusting(kind: str, name: str, **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {kind: [name]}, **condition}
    return {"Version": "1", "Statement": [statement]}


READS = policy("kms:GetSecretValue", "kms:Decrypt", "oos:GetSecretParameter", "oos:GetSecretParameters")


def accounts() -> dict[str, Any]:
    """Two accounts: keys and roles at home, one role elsewhere that trusts `near`, and one role that nobody may assume."""
    by_key = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{HOME}:user/*"]}}
    subject = {"Condition": {"StringLike": {"oidc:sub": ["system:serviceaccount:*:reader"]}}}
    federated = trusting("Federated", PROVIDER, **subject)
    federated["Statement"].append(by_key)
    assume = policy("sts:AssumeRole")
    home = {
        "id": HOME,
        "users": [
            {"name": "app", "accessKeys": [{"id": ACCESS_KEY, "secret": ACCESS_SECRET}], "policies": [READS, assume]},
            {"name": "new", "accessKeys": [{"id": NEW_KEY, "secret": NEW_SECRET}], "policies": [READS, assume]},
            {"name": "poor", "accessKeys": [{"id": "LTAIpoor", "secret": ACCESS_SECRET}], "policies": [assume]},
        ],
        "roles": [
            {"name": "near", "policies": [READS, assume], "trust": federated},
            {"name": "closed", "policies": [READS], "trust": trusting("RAM", "acs:ram::1:user/nobody")},
        ],
        "oidcProviders": [{"name": "ack-rrsa-c1", "issuer": "https://kubernetes.default.svc"}],
    }
    far = {"id": OTHER, "roles": [{"name": "kms-reader", "policies": [READS], "trust": trusting("RAM", NEAR)}]}
    return {"accounts": [home, far]}


class Team:
    """One namespace with its stores, keys and ExternalSecrets, made through the API server's own interface."""

    def __init__(self, server: ControlPlane, namespace: str) -> None:
        self.server = server
        self.namespace = namespace

    def _custom(self, plural: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        body = {"apiVersion": "alibabacloud.com/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.server.request("POST", f"/apis/alibabacloud.com/v1alpha1/namespaces/{self.namespace}/{plural}", body)

    def store(self, name: str, auth: dict[str, Any], provider: str = "KMS") -> None:
        self._custom("secretstores", "SecretStore", name, {provider: {f"{provider}Auth": auth}})

    def external(self, name: str, *, store: str = "", key: str = "db", provider: str = "kms", **entry: Any) -> None:
        entry |= {"key": key, "name": "value"} | ({"secretStoreRef": {"name": store, "kind": "SecretStore"}} if store else {})
        self._custom("externalsecrets", "ExternalSecret", name, {"provider": provider, "data": [entry]})

    def external_of(self, name: str, namespace: str) -> None:
        ref = {"name": "main", "kind": "SecretStore", "namespace": namespace}
        self._custom("externalsecrets", "ExternalSecret", name, {"data": [{"key": "db", "secretStoreRef": ref}]})

    def secret(self, name: str, data: dict[str, str]) -> None:
        self.server.request(
            "POST", f"/api/v1/namespaces/{self.namespace}/secrets", {"metadata": {"name": name}, "stringData": data}
        )

    def replace_secret(self, name: str, data: dict[str, str]) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/secrets/{name}"
        self.server.request("PATCH", path, {"stringData": data}, content_type="application/merge-patch+json")

    def service_account(self, name: str, role: str) -> None:
        metadata = {"name": name, "annotations": {ROLE_ANNOTATION: role} if role else {}}
        self.server.request("POST", f"/api/v1/namespaces/{self.namespace}/serviceaccounts", {"metadata": metadata})

    def token(self, name: str) -> str:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["sts.aliyuncs.com"]}}
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{name}/token"
        return str(self.server.request("POST", path, body)["status"]["token"])

    def value(self, name: str) -> str:
        data = self.server.request("GET", f"/api/v1/namespaces/{self.namespace}/secrets/{name}")["data"]
        return base64.b64decode(data["value"]).decode()

    def names(self) -> list[str]:
        items = self.server.request("GET", f"/api/v1/namespaces/{self.namespace}/secrets")["items"]
        return sorted(item["metadata"]["name"] for item in items)

    def reason(self, name: str) -> str:
        path = f"/apis/alibabacloud.com/v1alpha1/namespaces/{self.namespace}/externalsecrets/{name}"
        return str(self.server.request("GET", path)["status"]["dataSyncResults"][0]["reason"])


@pytest.fixture
def team(control_plane: ControlPlane, namespace: str) -> Team:
    return Team(control_plane, namespace)


@pytest.fixture
def asm(tmp_path: Path, control_plane: ControlPlane, kubeconfig_for: Callable[..., Path]) -> Iterator[Asm]:
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text(json.dumps({"kms": {"db": VALUE}, "oos": {"param": VALUE}}))
    set_accounts(tmp_path, accounts())
    keys = tmp_path / "jwks.json"
    keys.write_bytes(signing_keys(control_plane))
    options = ("--accounts", str(tmp_path / "accounts.json"), "--oidc-jwks", str(keys))
    with emulator(tmp_path, fixtures, *options) as (ready, record):
        yield Asm(kubeconfig_for("admin"), ready, tmp_path, record, fixtures)


def signing_keys(server: ControlPlane) -> bytes:
    """Return the public keys of the API server's ServiceAccount tokens, as STS would fetch them."""
    headers = {"Authorization": f"Bearer {server.token}", "Accept": "application/jwk-set+json"}
    request = urllib.request.Request(f"{server.server}/openid/v1/jwks", headers=headers)
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with urllib.request.urlopen(request, context=context, timeout=10) as response:
        return bytes(response.read())


def set_accounts(folder: Path, document: dict[str, Any]) -> None:
    (folder / "accounts.json").write_text(json.dumps(document))


def key_refs(secret: str = "ak") -> dict[str, Any]:
    return {"accessKey": {"name": secret, "key": "id"}, "accessKeySecret": {"name": secret, "key": "secret"}}


def callers(asm: Asm, *actions: str) -> set[str]:
    """Return whose keys signed the calls of some actions."""
    return {call["principal"] for call in asm.calls() if call["action"] in (actions or ("GetSecretValue", "GetSecretParameter"))}


def assert_synced(ran: Ran) -> None:
    assert ran.code == 0, ran.out + ran.err


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


def test_a_refused_read_names_the_code_of_kms(asm: Asm, team: Team) -> None:
    team.secret("ak", {"id": "LTAIpoor", "secret": ACCESS_SECRET})
    team.store("main", key_refs())
    team.external("app", store="main")
    assert asm.sync("-q").code == 1
    assert "Forbidden.NoPermission" in team.reason("app")
    assert "403" in team.reason("app")


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


# -- nothing leaks


def test_no_output_and_no_status_holds_a_token_a_key_or_a_signature(asm: Asm, team: Team, tmp_path: Path) -> None:
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
    noisy = {"DEBUG": "sdk"}
    runs = [asm.run("sync", *asm.cloud(), "--debug", env=noisy), asm.sync("--debug"), asm.run("explain", "-o", "json")]
    texts = [text for ran in runs for text in (ran.out, ran.err)]
    texts += [team.reason(name) for name in ("file", "bad")]
    texts.append(asm.record.read_text())
    secrets = [ACCESS_SECRET, "canary-bad", VALUE, token, token.split(".")[1], "eyJ", "Signature=", "Authorization", "Bearer "]
    for text in texts:
        for secret in secrets:
            assert secret not in text


# -- whoami, and the guard of sync


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
    items = {item["store"]["name"] if item["store"] else "environment": item for item in document["items"]}
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
