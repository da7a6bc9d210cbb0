"""kubectl asm manifests: what it prints can be installed and grants what the controller needs, no more."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_asm.cli.main import main
from kubectl_asm.cli.serve import command as serve

CRDS = Path(__file__).parents[3] / "deploy" / "crds"


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*args: str) -> list[dict[str, Any]]:
        assert main(["kubectl-asm", "manifests", *args]) == 0
        return list(yaml.safe_load_all(capsys.readouterr().out))

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*args: str) -> str:
        assert main(["kubectl-asm", "manifests", *args]) == 2
        return capsys.readouterr().err

    return run


def granted(manifests: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Return (role, resource, verb) of every rule."""
    return {
        (one["metadata"]["name"], resource, verb)
        for one in manifests
        for rule in one.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def only(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = (one for one in manifests if one["kind"] == kind)
    return found


def pod(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    template: dict[str, Any] = only(manifests, "Deployment")["spec"]["template"]
    return template


def flags(manifests: list[dict[str, Any]]) -> list[str]:
    args: list[str] = pod(manifests)["spec"]["containers"][0]["args"]
    return args


def test_crds_are_those_of_the_deploy_folder(printed: Any) -> None:
    assert printed("crds") == [yaml.safe_load(file.read_text()) for file in sorted(CRDS.glob("*.yaml"))]


def test_every_role_is_bound_to_the_service_account_in_the_namespace(printed: Any) -> None:
    manifests = printed("rbac", "-n", "ops")
    roles = {(one["kind"], one["metadata"]["name"]) for one in manifests if "rules" in one}
    bindings = [one for one in manifests if "roleRef" in one]
    assert {(one["roleRef"]["kind"], one["roleRef"]["name"]) for one in bindings} == roles
    account = {"kind": "ServiceAccount", "name": "kubectl-asm-controller", "namespace": "ops"}
    assert all(one["subjects"] == [account] for one in bindings)


def test_watched_namespaces_get_roles_and_nothing_is_cluster_wide(printed: Any) -> None:
    manifests = printed("rbac", "-n", "ops", "--watch-namespaces", "web, shop,")
    assert not [one["kind"] for one in manifests if one["kind"].startswith("Cluster")]
    assert [one["metadata"]["namespace"] for one in manifests if one["kind"] == "Role"] == ["shop", "web", "ops"]
    assert not {resource for _, resource, _ in granted(manifests) if resource.startswith("cluster")}
    assert {verb for _, resource, verb in granted(manifests) if resource == "namespaces"} == {"get"}


@pytest.mark.parametrize("option", ["--read-only", "--shadow"])
def test_read_only_changes_nothing_knows_no_lease_and_may_still_request_tokens(printed: Any, option: str) -> None:
    rights = granted(printed("rbac", option))
    writes = {one for one in rights if one[2] not in ("get", "list", "watch")}
    assert {resource for _, resource, _ in writes} == {"serviceaccounts/token"}
    assert "leases" not in {resource for _, resource, _ in rights}


def test_nodes_pods_and_changes_of_configmaps_stay_out_of_reach(printed: Any) -> None:
    rights = granted(printed("rbac"))
    assert not {resource for _, resource, _ in rights} & {"nodes", "pods", "customresourcedefinitions"}
    assert {verb for _, resource, verb in rights if resource == "configmaps"} == {"get", "list", "watch"}


def test_leases_of_others_are_looked_for_by_name_and_only_listed(printed: Any) -> None:
    (rule,) = (one for one in only(printed("rbac"), "ClusterRole")["rules"] if one["resources"] == ["leases"])
    assert (rule["verbs"], rule["resourceNames"]) == (["list"], ["ack-secret-manager-lock", "kubectl-asm-controller"])


def test_controller_is_a_namespace_with_everything_in_it(printed: Any) -> None:
    manifests = printed("controller", "-n", "ops")
    assert manifests[0]["kind"] == "Namespace"
    assert {one["kind"] for one in manifests} >= {
        "ServiceAccount",
        "Deployment",
        "PodDisruptionBudget",
        "NetworkPolicy",
        "Service",
    }
    assert {one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"]} == {"ops"}


def test_all_is_the_definitions_and_then_the_controller(printed: Any) -> None:
    assert printed("all") == [*printed("crds"), *printed("controller")]


def test_everything_that_selects_pods_selects_those_of_the_deployment(printed: Any) -> None:
    manifests = printed("controller")
    labels = pod(manifests)["metadata"]["labels"]
    assert only(manifests, "Deployment")["spec"]["selector"] == {"matchLabels": labels}
    assert only(manifests, "PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": labels}
    assert only(manifests, "NetworkPolicy")["spec"]["podSelector"] == {"matchLabels": labels}
    assert only(manifests, "Service")["spec"]["selector"] == labels


def test_a_list_of_namespaces_switches_cluster_resources_off(printed: Any) -> None:
    manifests = printed("controller", "--watch-namespaces", "shop,web")
    assert {
        "--watch-namespaces=shop,web",
        "--process-cluster-secret-store=false",
        "--process-cluster-external-secret=false",
    } <= set(flags(manifests))
    assert not {"ClusterRole", "ClusterRoleBinding"} & {one["kind"] for one in manifests}


def test_a_shadow_has_names_of_its_own_and_no_right_to_write(printed: Any) -> None:
    shadow, controller = printed("controller", "--shadow"), printed("controller")
    assert "--shadow" in flags(shadow)
    names = {(one["kind"], one["metadata"]["name"]) for one in shadow if one["kind"] != "Namespace"}
    assert not names & {(one["kind"], one["metadata"]["name"]) for one in controller}
    assert pod(shadow)["metadata"]["labels"] != pod(controller)["metadata"]["labels"]
    writes = {resource for _, resource, verb in granted(shadow) if verb not in ("get", "list", "watch")}
    assert writes == {"serviceaccounts/token"}


def test_words_after_the_dashes_are_flags_of_serve(printed: Any) -> None:
    assert flags(printed("controller", "--", "--region=cn-hangzhou", "-disable-polling"))[-2:] == [
        "--region=cn-hangzhou",
        "-disable-polling",
    ]


@pytest.mark.parametrize(
    "args",
    [(), ("--shadow",), ("--shards", "4"), ("--watch-namespaces", "shop,web"), ("--", "--region=cn-hangzhou")],
    ids=" ".join,
)
def test_serve_understands_what_it_is_started_with(printed: Any, args: tuple[str, ...]) -> None:
    name, *words = flags(printed("controller", *args))
    assert name == "serve"
    assert serve.make_context("serve", words).params["log_format"] == "json"


def test_the_pod_runs_as_the_user_of_the_image(printed: Any) -> None:
    user = pod(printed("controller"))["spec"]["securityContext"]["runAsUser"]
    dockerfile = (CRDS.parent / "Dockerfile").read_text()
    assert f"\nUSER {user}:{user}\n" in dockerfile
    assert dockerfile.rstrip().endswith('ENTRYPOINT ["kubectl-asm"]')


def test_rrsa_mounts_a_token_for_the_token_service(printed: Any) -> None:
    spec = pod(printed("controller", "--rrsa"))["spec"]
    (token,) = (one["projected"]["sources"][0]["serviceAccountToken"] for one in spec["volumes"] if "projected" in one)
    assert token == {"path": "ack-secret-manager", "audience": "sts.aliyuncs.com", "expirationSeconds": 7200}
    assert "/var/run/secrets/tokens" in {one["mountPath"] for one in spec["containers"][0]["volumeMounts"]}


def test_identity_comes_from_a_secret_unless_a_variable_is_given(printed: Any) -> None:
    role = "ALICLOUD_ROLE_ARN=acs:ram::1:role/reader"
    env = pod(printed("controller", "--credentials-secret", "keys", "--env", role))["spec"]["containers"][0]["env"]
    by_name = {one["name"]: one for one in env}
    assert len(by_name) == len(env)
    assert by_name["ALICLOUD_ROLE_ARN"]["value"] == "acs:ram::1:role/reader"
    assert by_name["ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"] == {"name": "keys", "key": "id", "optional": True}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("controller", "-n", "Ops"), '"Ops" is not the name of a namespace'),
        (("controller", "--watch-namespaces", "a_b"), '"a_b" is not the name of a namespace'),
        (("controller", "--env", "no-equals"), "NAME=VALUE"),
        (("controller", "--shadow", "--shards", "2"), "shares no work"),
        (("controller", "--", "region"), "not a flag of serve"),
        (("controller", "--", "--watch-namespaces=shop"), "use --watch-namespaces before the two dashes"),
    ],
)
def test_what_would_not_work_is_refused(refused: Any, args: tuple[str, ...], told: str) -> None:
    assert told in refused(*args)


# -- rights for the objects of some manifests

OBJECTS = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app, namespace: shop}
spec:
  data:
  - {key: db, name: db, secretStoreRef: {name: kms, kind: SecretStore}}
  target: {name: login, template: {templateFrom: [{configMap: {name: texts, items: [{key: a}]}}]}}
---
apiVersion: alibabacloud.com/v1alpha1
kind: SecretStore
metadata: {name: kms, namespace: shop}
spec: {KMS: {KMSAuth: {serviceAccountRef: {name: reader}, oidcProviderARN: "acs:ram::1:oidc-provider/c"}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: shop, annotations: {ack.alibabacloud.com/role-arn: "acs:ram::1:role/reader"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: texts, namespace: shop}
data: {a: "{{ .db }}"}
"""
PARENT = """\
apiVersion: alibabacloud.com/v1alpha1
kind: ClusterExternalSecret
metadata: {name: everywhere}
spec:
  externalSecretName: child
  conditions: [{namespaces: [shop]}]
  externalSecretSpec: {data: [{key: db, name: db}]}
"""


@pytest.fixture
def rights_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Return a function from manifests to (place, resource, verb, name or "*") and what was told."""

    def run(text: str) -> tuple[set[tuple[str, str, str, str]], str]:
        file = tmp_path / "objects.yaml"
        file.write_text(text)
        assert main(["kubectl-asm", "manifests", "rbac", "-f", str(file), "--", "--region=cn-hangzhou"]) == 0
        out, err = capsys.readouterr()
        return rules_of([one for one in yaml.safe_load_all(out) if not one["metadata"]["name"].endswith("-leases")]), err

    return run


def rules_of(manifests: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    return {
        (one["metadata"].get("namespace", ""), resource, verb, name)
        for one in manifests
        for rule in one.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", ["*"])
    }


def test_rights_for_manifests_name_every_object_they_can(rights_of: Any) -> None:
    rights, _ = rights_of(OBJECTS)
    changes = {one for one in rights if one[2] not in ("get", "list", "watch")}
    assert changes == {
        ("shop", "externalsecrets", "patch", "app"),
        ("shop", "externalsecrets/status", "patch", "app"),
        ("shop", "secretstores", "patch", "kms"),
        ("shop", "secretstores", "update", "kms"),
        ("shop", "secretstores/status", "patch", "kms"),
        ("shop", "secrets", "create", "*"),
        ("shop", "secrets", "update", "login"),
        ("shop", "secrets", "delete", "login"),
        ("shop", "serviceaccounts/token", "create", "reader"),
        ("shop", "events", "create", "*"),
    }
    assert {name for _, _, verb, name in rights if verb == "get"} == {"app", "kms", "login", "reader", "texts", "shop"}


def test_rights_for_manifests_are_some_of_those_of_any_controller_there(rights_of: Any, printed: Any) -> None:
    rights, told = rights_of(OBJECTS)
    whole = {one[:3] for one in rules_of(printed("rbac", "--watch-namespaces", "shop"))}
    assert {one[:3] for one in rights} <= whole
    assert "--watch-namespaces=shop --process-cluster-secret-store=false --process-cluster-external-secret=false" in told


def test_what_is_not_used_is_not_granted(rights_of: Any) -> None:
    plain = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: app, namespace: shop}\n"
    rights, _ = rights_of(plain + "spec: {data: [{key: db, name: db}]}\n")
    assert not {resource for _, resource, _, _ in rights} & {"configmaps", "serviceaccounts", "serviceaccounts/token"}
    assert {place for place, *_ in rights} == {"shop"}


def test_children_of_a_clusterexternalsecret_are_made_and_their_namespaces_watched(rights_of: Any) -> None:
    rights, told = rights_of(OBJECTS + "---\n" + PARENT)
    assert {
        ("", "clusterexternalsecrets", "patch", "everywhere"),
        ("", "clusterexternalsecrets", "watch", "*"),
        ("", "clusterexternalsecrets/finalizers", "update", "everywhere"),
        ("", "namespaces", "watch", "*"),
        ("shop", "externalsecrets", "create", "*"),
        ("shop", "externalsecrets", "delete", "child"),
    } <= rights
    assert ("shop", "externalsecrets", "delete", "app") not in rights
    assert "--process-cluster-external-secret" not in told


def test_rights_for_manifests_decide_by_themselves(refused: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OBJECTS)
    for args in (("controller",), ("rbac", "--watch-namespaces", "shop"), ("rbac", "--read-only")):
        assert "decides by itself" in refused(*args, "-f", str(tmp_path / "a.yaml"))


def test_a_flag_that_serve_does_not_know_is_refused(refused: Any) -> None:
    assert "--regoin" in refused("controller", "--", "--regoin=cn-hangzhou")


@pytest.mark.parametrize(("options", "name"), [((), "kubectl-asm-controller"), (("--shadow",), "kubectl-asm-shadow")])
def test_who_takes_the_settings_of_a_deployment_may_read_that_one(printed: Any, options: tuple[str, ...], name: str) -> None:
    flag = "--from-deployment=kube-system/ack-secret-manager"
    plain, able = printed("rbac", *options), printed("rbac", *options, "--", flag)
    added = [one for one in able if one not in plain]
    assert rules_of(added) == {("kube-system", "deployments", "get", "ack-secret-manager")}
    assert [(one["kind"], one["metadata"]["name"]) for one in added] == [
        ("Role", f"{name}-settings"),
        ("RoleBinding", f"{name}-settings"),
    ]
    pods = [one for one in printed("controller", *options, "--", flag) if one["kind"] == "Deployment"]
    assert flag in pods[0]["spec"]["template"]["spec"]["containers"][0]["args"]


@pytest.mark.parametrize("name", ["ack-secret-manager", "a/b/c", "/x", "A/b"])
def test_a_deployment_without_its_namespace_is_refused(refused: Any, name: str) -> None:
    assert "is not NS/NAME" in refused("rbac", "--", f"--from-deployment={name}")
