"""Two accounts of an emulated cloud and a namespace of stores, keys and ExternalSecrets in a real API server.

Import the fixtures by star, the rest by name.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.command import Asm, Ran, emulator
from tests.live.controlplane import ControlPlane

__all__ = ["asm", "team"]

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
