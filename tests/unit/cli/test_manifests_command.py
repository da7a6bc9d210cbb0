"""kubectl asm manifests: what it prints can be installed and grants what the controller needs, no more."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_asm.cli.main import main

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


def test_read_only_changes_nothing_but_leases_and_may_still_request_tokens(printed: Any) -> None:
    writes = {one for one in granted(printed("rbac", "--read-only")) if one[2] not in ("get", "list", "watch")}
    assert {resource for _, resource, _ in writes} == {"leases", "serviceaccounts/token"}


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
    assert writes == {"leases", "serviceaccounts/token"}


def test_words_after_the_dashes_are_flags_of_serve(printed: Any) -> None:
    assert flags(printed("controller", "--", "--region=cn-hangzhou", "-disable-polling"))[-2:] == [
        "--region=cn-hangzhou",
        "-disable-polling",
    ]


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
        (("controller", "--", "region"), "not a flag of serve"),
        (("controller", "--", "--watch-namespaces=shop"), "use --watch-namespaces before the two dashes"),
    ],
)
def test_what_would_not_work_is_refused(refused: Any, args: tuple[str, ...], told: str) -> None:
    assert told in refused(*args)
