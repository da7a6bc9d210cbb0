"""Every way a store can be broken: one sentence that names the object, the field and the way out, in explain and in sync."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubectl_asm.cli.main import main

API = "apiVersion: alibabacloud.com/v1alpha1"
AK = "{accessKey: {name: ak, key: id}, accessKeySecret: {name: ak, key: secret}}"
PAIR = "{id: 'x', secret: 'z'}"
SA = "{serviceAccountRef: {name: r}, oidcProviderARN: 'acs:ram::1:oidc-provider/p'}"
RRSA = "ramRoleARN: 'acs:ram::1:role/r', oidcProviderARN: 'acs:ram::1:oidc-provider/p'"
ANNOTATION = "ack.alibabacloud.com/role-arn"
GATES = ["--enable-cross-namespace-secret-store=false", "--enable-cross-namespace-auth-ref=false"]


def store(auth: str, *, spec: str = "", namespace: str = "default") -> str:
    body = spec or f"{{KMS: {{KMSAuth: {auth}}}}}"
    return f"{API}\nkind: SecretStore\nmetadata: {{name: s, namespace: {namespace}}}\nspec: {body}\n---\n"


def cluster_store(auth: str, conditions: str = "[]") -> str:
    spec = f"{{KMS: {{KMSAuth: {auth}}}, conditions: {conditions}}}"
    return f"{API}\nkind: ClusterSecretStore\nmetadata: {{name: s}}\nspec: {spec}\n---\n"


def external(ref: str = "{name: s}", more: str = "") -> str:
    spec = f"{{data: [{{key: db, secretStoreRef: {ref}{more}}}]}}"
    return f"{API}\nkind: ExternalSecret\nmetadata: {{name: app, namespace: default}}\nspec: {spec}\n"


def secret(data: str, namespace: str = "default") -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: ak, namespace: {namespace}}}\nstringData: {data}\n---\n"


def account(annotations: str) -> str:
    metadata = f"{{name: r, namespace: default, annotations: {annotations}}}"
    return f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {metadata}\n---\n"


SHARED = "{name: s, kind: ClusterSecretStore}"
OWN_AK = AK.replace("key:", "namespace: default, key:")
CASES = {
    "no store": (external(), "SecretStore default/s does not exist", "create it, or correct secretStoreRef"),
    "no cluster store": (external(SHARED), "ClusterSecretStore s does not exist", "create it, or correct secretStoreRef"),
    "odd kind": (external("{name: s, kind: Vault}"), 'secretStoreRef.kind "Vault"', "SecretStore nor ClusterSecretStore"),
    "no Secret": (store(AK) + external(), "accessKey: Secret default/ak does not exist", "create it, or correct accessKey"),
    "no key": (
        store(AK) + secret("{id: 'x'}") + external(),
        'accessKeySecret: Secret default/ak has no key "secret"', "add it, or correct accessKeySecret.key",
    ),
    "empty key": (
        store(AK) + secret("{id: 'x', secret: ''}") + external(),
        'accessKeySecret: key "secret" of Secret default/ak is empty', "fill it",
    ),
    "unnamed key": (
        store(AK.replace(", key: id", "")) + secret(PAIR) + external(), "accessKey has no key", "name the Secret and its key"
    ),
    "half a pair": (
        store("{accessKey: {name: ak, key: id}}") + secret(PAIR) + external(), "no credentials are configured",
        "set accessKey and accessKeySecret",
    ),
    "wrong field": (
        store("{accesKey: {name: ak, key: id}}") + external(),
        "no credentials are configured", "set accessKey and accessKeySecret",
    ),
    "no AccessKey namespace": (cluster_store(AK) + external(SHARED), "accessKey.namespace is missing", "needs it"),
    "no section": (store("", spec="{OOS: {OOSAuth: {}}}") + external(), "no KMS section", "refer to a store that has one"),
    "no Auth": (store("", spec="{KMS: {}}") + external(), "KMS without KMSAuth", "add it"),
    "two sections": (store("", spec="{KMS: {KMSAuth: {}}, OOS: {OOSAuth: {}}}") + external(), "KMS and OOS", "write two stores"),
    "dedicated": (store("", spec="{KMS: {dedicatedKMSAuth: {}}}") + external(), "dedicatedKMSAuth", "use KMSAuth and"),
    "no account": (store(SA) + external(), "ServiceAccount default/r does not exist", "create it, or correct serviceAccountRef"),
    "bare account": (
        store(SA) + account("{}") + external(), f"ServiceAccount default/r has no annotation {ANNOTATION}", "annotate it with"
    ),
    "empty annotation": (
        store(SA) + account(f"{{{ANNOTATION}: ''}}") + external(), f"has an empty annotation {ANNOTATION}", "set it to the ARN"
    ),
    "no provider": (
        store("{serviceAccountRef: {name: r}}") + account(f"{{{ANNOTATION}: 'acs:ram::1:role/r'}}") + external(),
        "cannot be used without an OIDC provider", "set oidcProviderARN, or --cluster-id and --uid",
    ),
    "session": (
        store(f"{{{RRSA}, roleSessionExpiration: soon}}") + external(), 'roleSessionExpiration: session length "soon"',
        "seconds nor a duration such as 1h",
    ),
    "two spellings": (
        store(AK[:-1] + ", remoteRamRoleARN: a, remoteRamRoleArn: b}") + external(), "have different values",
        "keep remoteRamRoleARN",
    ),
    "host": (
        store(AK) + secret(PAIR) + external(more=", kmsEndpoint: evil.example.com"), "kmsEndpoint of entry db",
        "use kms-vpc.<region>.aliyuncs.com",
    ),
    "gate 1": (
        store(AK, namespace="b") + secret(PAIR, "b") + external("{name: s, namespace: b}"),
        "SecretStore b/s may not be used from namespace default", "--enable-cross-namespace-secret-store",
    ),
    "gate 2": (
        store(AK.replace("key:", "namespace: b, key:")) + secret(PAIR, "b") + external(),
        "accessKey: Secret ak of namespace b may not be used from namespace default", "--enable-cross-namespace-auth-ref",
    ),
    "gate 3": (
        cluster_store(OWN_AK, "[{namespaces: [x]}]") + secret(PAIR) + external(SHARED),
        "ClusterSecretStore s does not allow namespace default", "see its spec.conditions",
    ),
}  # fmt: skip
NAMELESS = ("odd kind", "host")  # the entry itself is wrong: its key or field is the object


@pytest.mark.parametrize("name", CASES)
def test_one_sentence_names_what_is_wrong_and_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, what, fix = CASES[name]
    monkeypatch.chdir(tmp_path)
    for variable in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "ALICLOUD_ROLE_ARN"):
        monkeypatch.delenv(variable, raising=False)
    Path("cluster").mkdir()
    Path("cluster/all.yaml").write_text(text)
    assert main(["kubectl-asm", "explain", "-f", "cluster", "--region", "cn-hangzhou", *GATES, "-o", "json"]) == 1
    (item,) = json.loads(capsys.readouterr().out)["items"]
    reason = item["entries"][0]["reason"]
    assert what in reason
    assert fix in reason
    assert name in NAMELESS or "SecretStore " in reason, "the store is named"
    assert "\n" not in reason
    assert main(["kubectl-asm", "sync", "--cluster-dir", "cluster", "--region", "cn-hangzhou", *GATES, "-o", "json"]) == 1
    ran = json.loads(capsys.readouterr().out)
    assert ran["cloudCalls"] == 0
    assert reason in ran["items"][0]["entries"][0]["reason"], "sync says the same"
