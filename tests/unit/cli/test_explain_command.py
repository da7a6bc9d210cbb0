"""The explain command in process: exit codes, forms of output, policies, cluster resources."""

import json
import re
from pathlib import Path

import pytest
import yaml

from kubectl_asm.cli.main import main

NAME = "kubectl-asm-sync"
STORE = "apiVersion: alibabacloud.com/v1alpha1\nkind: SecretStore\nmetadata: {name: s}\n"
ROLE = "{ramRoleARN: 'acs:ram::1:role/r', oidcProviderARN: 'acs:ram::1:oidc-provider/p'}"
GOOD = f"""\
{STORE}spec: {{KMS: {{KMSAuth: {ROLE}}}}}
---
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {{name: app}}
spec: {{data: [{{key: db, name: password, secretStoreRef: {{name: s}}}}]}}
"""
BROKEN = GOOD.replace("secretStoreRef: {name: s}", "secretStoreRef: {name: gone}")
FAN = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ClusterExternalSecret
metadata: {name: fan}
spec:
  externalSecretName: app
  conditions: [{namespaces: [default, b]}]
  externalSecretSpec: {data: [{key: k, secretStoreRef: {name: shared, kind: ClusterSecretStore}}]}
---
apiVersion: alibabacloud.com/v1alpha1
kind: ClusterSecretStore
metadata: {name: shared}
spec: {KMS: {KMSAuth: {}}, conditions: [{namespaces: [default]}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: b}
---
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app, namespace: default}
spec: {data: [{key: mine}]}
"""


OPEN_FAN = FAN.replace("conditions: [{namespaces: [default]}]}", "conditions: []}")


@pytest.fixture
def explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    for name in ("ACCESS_KEY_ID", "ALICLOUD_ROLE_ARN", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(text: str, *arguments: str):
        Path("m.yaml").write_text(text)
        code = main(["kubectl-asm", "explain", "-f", "m.yaml", "--region", "cn-hangzhou", *arguments])
        return code, capsys.readouterr()

    return run


def test_an_entry_that_is_read_is_fine_and_one_that_is_not_is_a_finding(explain):
    assert explain(GOOD)[0] == 0
    code, streams = explain(BROKEN, "-o", "json")
    (item,) = json.loads(streams.out)["items"]
    assert (code, item["entries"][0]["errorClass"], item["entries"][0]["calls"]) == (1, "reference", [])
    assert item["failures"][0]["scenario"] == "as it is"


def test_the_tree_tells_settings_tiers_calls_and_what_failing_does(explain):
    out = explain(GOOD)[1].out
    assert "|- region: cn-hangzhou (--region)" in out
    assert "tier rrsa: USED: ramRoleARN and oidcProviderARN" in out
    assert "call sts AssumeRoleWithOIDC RoleArn=acs:ram::1:role/r" in out
    assert "call kms GetSecretValue SecretName=db at kms-vpc.cn-hangzhou.aliyuncs.com" in out
    assert "every source fails with cleanupSecretOnFailure: DELETES the Secret" in out
    assert "`- Secret default/app (Opaque): password" in out


def test_yaml_and_json_hold_the_same(explain):
    assert yaml.safe_load(explain(GOOD, "-o", "yaml")[1].out) == json.loads(explain(GOOD, "-o", "json")[1].out)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_reports_name_the_object_and_its_host(explain, form):
    code, streams = explain(GOOD, "-o", form)
    assert code == 0
    assert "default/app" in streams.out
    assert "kms-vpc.cn-hangzhou.aliyuncs.com" in streams.out


def test_the_service_account_of_the_controller_is_asked_instead_of_a_file(explain):
    _, streams = explain(GOOD, "--controller-service-account", "kube-system/asm", "-o", "json")
    (first, *_) = json.loads(streams.out)["items"][0]["entries"][0]["calls"]
    assert (first["action"], first["parameters"]["name"]) == ("TokenRequest", "asm")


@pytest.mark.parametrize("kind", ["ram", "trust", "network"])
def test_policies_name_what_the_object_needs(explain, kind):
    code, streams = explain(GOOD, "--policy", kind)
    document = yaml.safe_load(streams.out)
    assert (code, document["kind"], document["policy"]) == (0, "Policy", kind)
    expected = {"ram": "acs:kms:cn-hangzhou:1:secret/db", "trust": "acs:ram::1:oidc-provider/p", "network": "sts.cn-hangzhou"}
    assert expected[kind] in streams.out


def test_rbac_is_manifests_to_apply(explain):
    code, streams = explain(GOOD, "--policy", "rbac")
    role, binding = yaml.safe_load_all(streams.out)
    named = [(rule, name) for rule in role["rules"] for name in rule.get("resourceNames", [""])]
    rules = {(rule["resources"][0], verb, name) for rule, name in named for verb in rule["verbs"]}
    assert (code, role["kind"], role["metadata"]["namespace"]) == (0, "Role", "default")
    assert rules == {
        ("externalsecrets", "get", "app"),
        ("externalsecrets/status", "patch", "app"),
        ("secretstores", "get", "s"),
        ("secrets", "get", "app"),
        ("secrets", "update", "app"),
        ("secrets", "create", ""),
    }
    assert (binding["kind"], binding["metadata"], binding["roleRef"]["name"]) == ("RoleBinding", role["metadata"], NAME)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "default"}]
    assert f"bound to ServiceAccount default/{NAME}" in streams.err


@pytest.mark.parametrize(
    ("whom", "subject"),
    [
        ("user:eve", {"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}),
        ("group:sre:on-call", {"kind": "Group", "name": "sre:on-call", "apiGroup": "rbac.authorization.k8s.io"}),
        ("serviceaccount:ci/sync", {"kind": "ServiceAccount", "name": "sync", "namespace": "ci"}),
    ],
)
def test_roles_are_bound_to_whom_is_named(explain, whom, subject):
    documents = list(yaml.safe_load_all(explain(OPEN_FAN, "--policy", "rbac", "--bind-to", whom)[1].out))
    bindings = [one for one in documents if one["kind"].endswith("Binding")]
    assert [one["roleRef"]["kind"] for one in bindings] == ["ClusterRole", "Role", "Role"]
    assert all(one["subjects"] == [subject] for one in bindings)


@pytest.mark.parametrize("whom", ["eve", "user:", "serviceaccount:sync", "serviceaccount:a/b/c", "pod:x"])
def test_a_binding_to_nobody_is_refused(explain, whom):
    code, streams = explain(GOOD, "--policy", "rbac", "--bind-to", whom)
    assert (code, streams.out) == (2, "")
    assert "user:NAME, group:NAME or serviceaccount:NS/NAME" in streams.err


def rules_of(text):
    """Every (namespace, resource, verb, name) of printed roles."""
    roles = [one for one in yaml.safe_load_all(text) if not one["kind"].endswith("Binding")]
    return {
        (role["metadata"].get("namespace", ""), rule["resources"][0], verb, name)
        for role in roles
        for rule in role["rules"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def test_foreseeing_the_children_of_files_needs_namespaces_and_what_is_there(explain):
    rules = rules_of(explain(OPEN_FAN, "--policy", "rbac")[1].out)
    assert {one[1:] for one in rules if not one[0]} == {
        ("namespaces", "list", ""), ("externalsecrets", "list", ""), ("clustersecretstores", "get", "shared")
    }  # fmt: skip
    assert ("b", "secrets", "update", "app") in rules


def test_stamping_children_of_a_cluster_needs_what_an_apply_needs(explain, capsys):
    Path("live").mkdir()
    Path("live/fan.yaml").write_text(OPEN_FAN)
    main(["kubectl-asm", "explain", "--cluster-dir", "live", "-A", "--region", "cn-hangzhou", "--policy", "rbac"])
    rules = rules_of(capsys.readouterr().out)
    assert {
        ("", "externalsecrets", "list", ""), ("", "namespaces", "list", ""), ("", "clusterexternalsecrets", "list", ""),
        ("", "clusterexternalsecrets/status", "patch", "fan"), ("", "clusterexternalsecrets/finalizers", "update", "fan"),
        ("b", "externalsecrets", "create", ""), ("b", "externalsecrets", "patch", "app"),
        ("b", "secrets", "update", "app"), ("b", "externalsecrets/status", "patch", "app"),
    } <= rules  # fmt: skip
    assert ("b", "externalsecrets", "list", "") not in rules, "all namespaces are listed at once"


def test_findings_are_those_of_validate_about_the_object_and_its_store(explain, capsys):
    store = GOOD.replace("{ramRoleARN", "{accessKey: {name: ak, key: id}, ramRoleARN")
    _, streams = explain(store, "-o", "json")
    (item,) = json.loads(streams.out)["items"]
    assert main(["kubectl-asm", "validate", "m.yaml", "--region", "cn-hangzhou", "-o", "json"]) in (0, 1)
    told = json.loads(capsys.readouterr().out)["findings"]
    assert {one["object"]["kind"] for one in item["findings"]} == {"SecretStore"}
    assert item["findings"] == told
    assert f"|- {told[0]['severity']} {told[0]['code']} {told[0]['name']}: SecretStore default/s:" in explain(store)[1].out


def test_a_rule_that_the_settings_file_ignores_is_ignored_here_too(explain):
    store = GOOD.replace("{ramRoleARN", "{accessKey: {name: ak, key: id}, ramRoleARN")
    codes = {one["code"] for one in json.loads(explain(store, "-o", "json")[1].out)["items"][0]["findings"]}
    Path(".asm.yaml").write_text(
        f"apiVersion: kubectl-asm/v1\nkind: Config\nvalidate: {{ignore: [{', '.join(sorted(codes))}]}}\n"
    )
    assert codes
    assert json.loads(explain(store, "-o", "json")[1].out)["items"][0]["findings"] == []


def test_a_child_has_the_findings_of_its_cluster_external_secret(explain):
    items = json.loads(explain(OPEN_FAN.replace("key: k,", "key: k, kmsEndpoint: x,"), "-o", "json")[1].out)["items"]
    child = next(item for item in items if item["object"]["namespace"] == "b")
    assert "ClusterExternalSecret" in {one["object"]["kind"] for one in child["findings"]}


def test_findings_of_a_cluster_are_told_without_a_file(explain, capsys):
    Path("live").mkdir()
    Path("live/all.yaml").write_text(GOOD.replace("{ramRoleARN", "{accessKey: {name: ak, key: id}, ramRoleARN"))
    main(["kubectl-asm", "explain", "--cluster-dir", "live", "-n", "default", "--region", "cn-hangzhou", "-o", "json"])
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert {(one["file"], one["object"]["kind"]) for one in item["findings"]} == {("<cluster>", "SecretStore")}
    assert any("ak" in one["message"] for one in item["findings"]), "the Secret was looked up"


def test_credentials_of_this_machine_stand_in_for_the_variables(explain):
    text = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: app}\nspec: {data: [{key: db}]}\n"
    code, streams = explain(text, "-o", "json")
    assert (code, json.loads(streams.out)["items"][0]["entries"][0]["errorClass"]) == (1, "no-credentials")
    code, streams = explain(text, "-o", "json", "--credentials=uri")
    (entry,) = json.loads(streams.out)["items"][0]["entries"]
    assert (code, entry["tier"]) == (0, "local")
    assert "--credentials=uri" in streams.err, "the variable is not set here"
    assert explain(text, "--credentials=vault")[0] == 2


def test_a_policy_says_which_entries_it_does_not_cover(explain):
    code, streams = explain(BROKEN, "--policy", "ram")
    assert (code, yaml.safe_load(streams.out)["items"]) == (1, [])
    assert re.search(r"not covered: ExternalSecret default/app: data\[0\]: .*gone", streams.err)


@pytest.mark.parametrize(
    "arguments", [["--policy", "ram", "-o", "html"], ["--policy", "trust", "--controller-service-account", "x"]], ids=" ".join
)
def test_options_that_do_not_fit_are_usage_errors(explain, arguments):
    assert explain(GOOD, *arguments)[0] == 2


def test_live_needs_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["kubectl-asm", "explain", "--live", "--cluster-dir", "."]) == 2
    assert "-f" in capsys.readouterr().err


def test_cluster_resources_say_whom_they_hit_and_what_they_take_over(explain):
    code, streams = explain(FAN, "--enable-worker-role", "-o", "json")
    fan, shared = json.loads(streams.out)["clusterResources"]
    assert code == 1, "namespace b is refused by the store"
    assert [(one["namespace"], one["name"], one["secret"]) for one in fan["children"]] == [("default", "app", "app")]
    assert [one["namespace"] for one in fan["failed"]] == ["b"]
    assert [(one["namespace"], one["name"]) for one in fan["takesOver"]] == [("default", "app")]
    assert {one["namespace"]: one["allowed"] for one in shared["namespaces"]} == {"b": False, "default": True}
    assert [one["name"] for one in shared["usedBy"]] == ["app"]
    tree = explain(FAN, "--enable-worker-role")[1].out
    assert "TAKES OVER ExternalSecret default/app" in tree


def test_a_folder_as_the_cluster_knows_which_keys_are_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "app", "namespace": "default"},
        "stringData": {"old": "x"},
    }
    Path("c").mkdir()
    Path("c/all.yaml").write_text(GOOD + "---\n" + yaml.safe_dump(secret))
    assert main(["kubectl-asm", "explain", "--cluster-dir", "c", "--region", "cn-hangzhou", "-o", "json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    target = item["live"]["target"]
    assert (target["present"], target["missing"], target["other"]) == ([], ["password"], ["old"])
    assert (item["target"]["exists"], item["deletion"]["removesSecret"]) == (True, True)
