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


def granted(manifests: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Return (role, resource, verb) of every rule."""
    return {
        (one["metadata"]["name"], resource, verb)
        for one in manifests
        for rule in one.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


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
    assert not {resource for _, resource, _ in granted(manifests) if resource.startswith(("cluster", "namespaces"))}


def test_read_only_changes_nothing_but_leases_and_may_still_request_tokens(printed: Any) -> None:
    writes = {one for one in granted(printed("rbac", "--read-only")) if one[2] not in ("get", "list", "watch")}
    assert {resource for _, resource, _ in writes} == {"leases", "serviceaccounts/token"}


def test_nodes_pods_and_every_configmap_stay_out_of_reach(printed: Any) -> None:
    rights = granted(printed("rbac"))
    assert not {resource for _, resource, _ in rights} & {"nodes", "pods", "customresourcedefinitions"}
    assert {verb for _, resource, verb in rights if resource == "configmaps"} == {"get"}
