"""The Helm chart: real helm renders it to the objects that `manifests` prints, and takes the former chart's values."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from kubectl_asm import __version__
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.limits_file import KEYS, Limits, read_limits
from tests.live.controlplane import ControlPlane
from tests.live.helm import CHART, Helm, MissingHelm, Refused, find_helm
from tests.live.test_kustomize_live import KUSTOMIZE
from tests.live.test_manifests_live import applied, printed

SAME_NAME = ("--set", "fullnameOverride=kubectl-asm-controller")
OF_HELM = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
EVERYTHING = {
    "namespaced": {"namespaced": True, "command": {"watchNamespaces": "default"}},
    "shadow": {"shadow": True},
    "limits": {"limits": {"kubeApiQps": 20}},
    "identity": {
        "rrsa": {"enable": True},
        "env": {"ALICLOUD_ROLE_ARN": "acs:ram::1:role/reader"},
        "envVarsFromSecret": {"ACCESS_KEY_ID": {"secretKeyRef": "alibaba-credentials", "key": "id"}},
    },
    "placing": {
        "podAnnotations": {"a": "b"},
        "podLabels": {"team": "platform"},
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "priorityClassName": "system-cluster-critical",
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": {"fsGroup": 1000},
        "networkPolicy": {"metricsFrom": [], "extraEgress": [{"ports": [{"port": 8443}]}]},
    },
}


@pytest.fixture(scope="session")
def binary(pytestconfig: pytest.Config) -> Path:
    capturing = pytestconfig.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capturing.global_and_fixture_disabled():
            print(f"\n{line}", file=sys.stderr, flush=True)

    try:
        return find_helm(say)
    except MissingHelm as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run the tests of the chart: {reason}")
        say(f"TESTS OF THE CHART SKIPPED: {reason}")
        pytest.skip(str(reason))


@pytest.fixture
def helm(binary: Path, tmp_path: Path) -> Helm:
    return Helm(binary, tmp_path)


def bare(value: Any) -> Any:
    """Return a value without the labels that only helm adds."""
    if isinstance(value, dict):
        return {key: bare(below) for key, below in value.items() if key not in OF_HELM}
    return [bare(below) for below in value] if isinstance(value, list) else value


def by_identity(objects: list[dict[str, Any]]) -> dict[tuple[str, str, str], Any]:
    return {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): bare(one) for one in objects}


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (one["spec"]["template"]["spec"]["containers"][0] for one in objects if one["kind"] == "Deployment")
    return dict(found)


def flags(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Return the flags of the controller by name."""
    pairs = (word.partition("=") for word in container(objects)["args"][1:])
    return {name.removeprefix("--"): value for name, _, value in pairs}


def component(name: str) -> dict[str, Any]:
    """Return an object of kustomize's component for monitoring."""
    found: dict[str, Any] = yaml.safe_load((KUSTOMIZE / "components" / "monitoring" / f"{name}.yaml").read_text())
    return found


def of_program(*args: str) -> dict[tuple[str, str, str], Any]:
    return by_identity([one for one in yaml.safe_load_all(printed("controller", *args)) if one["kind"] != "Namespace"])


def test_the_chart_is_clean(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm.lint()


@pytest.mark.parametrize(
    ("values", "args"),
    [
        ({}, ()),
        ({"namespaced": True, "command": {"watchNamespaces": "web, default"}}, ("--watch-namespaces", "default,web")),
        ({"shards": 4, "replicaCount": 3}, ("--shards", "4", "--replicas", "3")),
        ({"rrsa": {"enable": True}}, ("--rrsa",)),
        ({"env": {"A": "b"}, "extraFlags": ["--compat=0.6.7"]}, ("--env", "A=b", "--", "--compat=0.6.7")),
    ],
    ids=["default", "namespaced", "shards", "rrsa", "flags"],
)
def test_the_chart_renders_what_manifests_prints(helm: Helm, values: dict[str, Any], args: tuple[str, ...]) -> None:
    values = {**values, "crds": {"install": False}}
    assert by_identity(helm.objects(*SAME_NAME, values=values)) == of_program(*args)


def test_a_shadow_of_the_chart_has_the_rights_of_a_shadow(helm: Helm) -> None:
    names = ("--set", "fullnameOverride=kubectl-asm-shadow")
    values = {"shadow": True, "replicaCount": 1, "crds": {"install": False}, "fromDeployment": "ops/former"}
    assert by_identity(helm.objects(*names, values=values)) == of_program("--shadow", "--", "--from-deployment=ops/former")


def test_definitions_are_ours_and_stay_when_the_chart_goes(helm: Helm) -> None:
    rendered = [one for one in helm.objects() if one["kind"] == "CustomResourceDefinition"]
    assert all(one["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"} for one in rendered)
    expected = {one["metadata"]["name"]: one for one in yaml.safe_load_all(printed("crds"))}
    assert {one["metadata"]["name"]: one for one in rendered} == expected


def test_definitions_of_cluster_resources_can_be_left_out(helm: Helm) -> None:
    off = {"crds": {"createClusterSecretStore": False, "createClusterExternalSecret": False}}
    rendered = {one["metadata"]["name"] for one in helm.objects(values=off) if one["kind"] == "CustomResourceDefinition"}
    assert rendered == {"externalsecrets.alibabacloud.com", "secretstores.alibabacloud.com"}


FORMER_VALUES = """
env: {WATCH_NAMESPACE: "", OPERATOR_NAME: ack-secret-manager}
envVarsFromSecret:
  ACCESS_KEY_ID: {secretKeyRef: alibaba-credentials, key: id}
  SECRET_ACCESS_KEY: {secretKeyRef: alibaba-credentials, key: secret}
rrsa: {enable: false}
command:
  reconcilePeriod: 5s
  reconcileCount: 1
  tokenRotationPeriod: 120s
  region: cn-hangzhou
  kmsEndpoint: ""
  disablePolling: false
  pollingInterval: 120s
  maxConcurrentKmsSecretPulls: 10
  maxConcurrentOosSecretPulls: 20
  enableWorkerRole: true
  cleanupSecretOnFailure: false
  processClusterSecretStore: true
  processClusterExternalSecret: false
  enableCrossNamespaceSecretStore: true
  enableCrossNamespaceAuthRef: true
  aliuid: 1234567890123456
  clusterId: c0ffee
  watchNamespaces: "shop, web"
crds: {createClusterSecretStore: true, createClusterExternalSecret: true}
image: {repository: registry.example.com/kubectl-asm, tag: v9, pullPolicy: Always}
cleanupImage: {tag: v0.4.1, pullPolicy: IfNotPresent}
imagePullSecrets: []
replicaCount: 2
resources: {requests: {cpu: 200m, memory: 256Mi}, limits: {cpu: 1000m, memory: 1G}}
securityContext: {}
rbac: {create: true}
serviceAccount: {create: true, name: null, annotations: null}
nameOverride: ""
fullnameOverride: ""
podAnnotations: {}
podLabels: {}
nodeSelector: {}
affinity: {}
tolerations: []
"""


def test_values_of_the_former_chart_become_the_same_flags(helm: Helm) -> None:
    objects = helm.objects(values=yaml.safe_load(FORMER_VALUES))
    given = flags(objects)
    assert given.pop("lease-name") == "kubectl-asm-controller"
    assert (given.pop("lease-namespace"), given.pop("log-format")) == ("$(POD_NAMESPACE)", "json")
    assert given == {
        "reconcile-period": "5s",
        "reconcile-count": "1",
        "token-rotation-period": "120s",
        "region": "cn-hangzhou",
        "disable-polling": "false",
        "polling-interval": "120s",
        "max-concurrent-kms-secret-pulls": "10",
        "max-concurrent-oos-secret-pulls": "20",
        "enable-worker-role": "true",
        "cleanup-secret-on-failure": "false",
        "process-cluster-secret-store": "true",
        "process-cluster-external-secret": "false",
        "enable-cross-namespace-secret-store": "true",
        "enable-cross-namespace-auth-ref": "true",
        "uid": "1234567890123456",
        "cluster-id": "c0ffee",
        "watch-namespaces": "shop,web",
    }
    one = container(objects)
    assert (one["image"], one["imagePullPolicy"]) == ("registry.example.com/kubectl-asm:v9", "Always")
    variables = {variable["name"]: variable for variable in one["env"]}
    assert "OPERATOR_NAME" not in variables
    assert variables["ACCESS_KEY_ID"]["valueFrom"]["secretKeyRef"] == {"name": "alibaba-credentials", "key": "id"}


def test_every_flag_of_the_chart_is_one_of_serve(helm: Helm) -> None:
    from kubectl_asm.cli.serve import command

    known = {name.removeprefix("--") for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    every = {"region": "r", "kmsEndpoint": "e", "excludeNamespaces": ["a"], "maxConcurrentSecretPulls": 3, "shards": 2}
    values = yaml.safe_load(FORMER_VALUES)
    values["command"] |= {name: value for name, value in every.items() if name != "shards"}
    assert set(flags(helm.objects(values={**values, "shards": 2}))) <= known


def test_what_is_not_given_is_not_passed_on(helm: Helm) -> None:
    assert set(flags(helm.objects())) == {"log-format", "lease-name", "lease-namespace"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicas": 2}, "replicas"),
        ({"command": {"regoin": "cn-hangzhou"}}, "regoin"),
        ({"command": {"pollingInterval": 120}}, "pollingInterval"),
        ({"command": {"pollingInterval": "120"}}, "pollingInterval"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"extraFlags": ["--shards=2"]}, "extraFlags"),
        ({"envVarsFromSecret": {"ACCESS_KEY_ID": {"name": "keys", "key": "id"}}}, "envVarsFromSecret"),
        ({"extraFlags": ["--from-deployment=a/b"]}, "extraFlags"),
        ({"fromDeployment": "former"}, "fromDeployment"),
        ({"limits": {"kmsPulls": 3}}, "kmsPulls"),
        ({"namespaced": True}, "needs command.watchNamespaces"),
        ({"shadow": True, "shards": 2}, "leave shards alone"),
        ({"namespaced": True, "command": {"watchNamespaces": "a", "processClusterSecretStore": True}}, "leave command"),
    ],
)
def test_values_that_mean_nothing_are_refused(helm: Helm, values: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused, match=re.escape(told)):
        helm.objects(values=values)


def test_limits_are_a_file_that_can_change(helm: Helm) -> None:
    wanted = {"maxConcurrentKmsSecretPulls": 100, "cloudCallsPerSecond": 0.5}
    objects = helm.objects(values={"limits": wanted})
    (file,) = (one["data"]["limits.yaml"] for one in objects if one["kind"] == "ConfigMap")
    read = read_limits(SourceText("limits.yaml", file.encode()), Limits(1, 2, 3, 4, 5))
    assert read == Limits(100, 2, 0.5, 4, 5)
    folder = str(PurePosixPath(flags(objects)["limits-file"]).parent)
    assert folder in {mount["mountPath"] for mount in container(objects)["volumeMounts"]}
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["properties"]["limits"]["properties"].keys() == KEYS.keys()


def test_the_schema_names_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def differences(declared: dict[str, Any], given: dict[str, Any], path: str) -> list[str]:
        found = [f"{path}.{name}" for name in declared["properties"].keys() ^ given.keys()]
        for name, below in declared["properties"].items():
            if "properties" in below and given.get(name):
                found += differences(below, given[name], f"{path}.{name}")
        return found

    free = {".global", ".resources.claims"}
    assert set(differences(schema, values, "")) - free == set()
    assert schema["additionalProperties"] is False


def test_the_chart_is_of_the_version_of_the_program() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_monitoring_is_off_until_it_is_asked_for(helm: Helm) -> None:
    kinds = {"ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert not kinds & {one["kind"] for one in helm.objects()}
    asked = {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")}
    rendered = {one["kind"]: one for one in helm.objects(values={"metrics": asked})}
    assert kinds <= rendered.keys()
    assert rendered["ServiceMonitor"]["spec"]["endpoints"][0]["honorLabels"] is True
    alerts = yaml.safe_load((CHART.parents[1] / "monitoring" / "alerts.yaml").read_text())
    assert rendered["PrometheusRule"]["spec"] == alerts
    assert bare(rendered["ServiceMonitor"]["spec"]) == component("servicemonitor")["spec"]
    assert rendered["PrometheusRule"]["spec"] == component("prometheusrule")["spec"]
    dashboard = json.loads(rendered["ConfigMap"]["data"]["kubectl-asm.json"])
    assert dashboard == json.loads((CHART.parents[1] / "monitoring" / "dashboard.json").read_text())


@pytest.mark.parametrize("name", [*EVERYTHING, "default"])
def test_an_api_server_takes_every_object_and_admits_the_pod(
    helm: Helm, control_plane: ControlPlane, namespace: str, name: str
) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    control_plane.request("PATCH", f"/api/v1/namespaces/{namespace}", label, content_type="application/merge-patch+json")
    objects = helm.objects(values={**EVERYTHING.get(name, {}), "metrics": {"dashboard": {"enabled": True}}}, namespace=namespace)
    text = yaml.safe_dump_all(objects)
    done = applied(control_plane.kubeconfig, text, "--dry-run=server", "--force-conflicts", "--validate=strict")
    assert done.returncode == 0, done.stderr
    (template,) = (one["spec"]["template"] for one in objects if one["kind"] == "Deployment")
    template["spec"].pop("priorityClassName", None)  # its number comes from an object of a whole cluster
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**template["metadata"], "name": "controller"}}
    control_plane.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict", pod)
