"""The rights `manifests rbac` prints are what the controller uses: enough for all it does, and not one verb more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kubectl_asm.adapters.kube.watched import FROM_START, STALE_S, WatchedCluster
from kubectl_asm.adapters.system import SystemClock, SystemRandom
from kubectl_asm.engine.controller_rbac import CLUSTER, LEASES, NAME, NAMESPACED, SHADOW_NAME, Rule, reading
from kubectl_asm.errors import NotFoundError
from kubectl_asm.model.objects import TRIGGER_ANNOTATION, ServiceAccount
from tests.live.audit import Audit, Request, Right
from tests.live.clients import open_connection
from tests.live.command import Asm
from tests.live.controlplane import ControlPlane, wait_until
from tests.live.serving import SOON_S, SYSTEM, Place, Serve, Territory, account_kubeconfig, install, territory
from tests.live.teams import CLOSED, NEAR, PROVIDER, ROLE_ANNOTATION, accounts, set_accounts, signing_keys

ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
ENFORCED = ("alibabacloud.com", "clusterexternalsecrets/finalizers", "update")
"""Asked for by an admission plugin of the server and never by a request."""
FAN = {
    "externalSecretSpec": {"provider": "kms", "data": [{"key": "db"}]},
    "namespaceSelectors": [{"matchLabels": {"fan": "yes"}}],
}


@dataclass(frozen=True)
class Ground:
    """A territory whose API server keeps an audit log and enforces owner references, and whose cloud checks tokens."""

    territory: Territory
    audit: Audit


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    root = tmp_path_factory.mktemp("rights")
    audit = Audit(root)
    flags = [*audit.flags(), "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"]

    def identities(control_plane: ControlPlane) -> list[str]:
        document = accounts()
        document["accounts"][0]["users"][0]["accessKeys"].append({"id": "emulator", "secret": "emulator"})
        set_accounts(root, document)
        (root / "jwks.json").write_bytes(signing_keys(control_plane))
        return ["--accounts", str(root / "accounts.json"), "--oidc-jwks", str(root / "jwks.json")]

    with territory(root, server_flags=flags, cloud_options=identities, db="first", parts="{{ .db }}") as made:
        yield Ground(made, audit)


def granted(*rules: Rule) -> set[Right]:
    return {(group, resource, verb) for group, resources, verbs, _ in rules for resource in resources for verb in verbs}


def refusals(requests: list[Request]) -> list[str]:
    return sorted({str(one) for one in requests if one.code == 403})


# -- everything serve does


def account_store(place: Place, name: str, kind: str = "SecretStore") -> None:
    """Make a store whose identity is a ServiceAccount of the place."""
    reference = {"name": "reader", "namespace": place.name}
    auth = {"KMS": {"KMSAuth": {"serviceAccountRef": reference, "oidcProviderARN": PROVIDER}}}
    place.territory.put(kind, place.name if kind == "SecretStore" else "", name, spec=auth)


def through(store: str, kind: str = "SecretStore") -> list[dict[str, Any]]:
    return [{"key": "db", "secretStoreRef": {"name": store, "kind": kind}}]


def live_and_die(ground: Territory) -> None:
    """Let a controller do everything it can do, from the first object to the last finalizer."""
    place, fan = ground.namespace(), ground.namespace(fan="yes")
    plain_life(ground, place)
    stores(ground, place)
    templates(ground, place)
    children(ground, fan)


def plain_life(ground: Territory, place: Place) -> None:
    place.external("app", "db")
    place.is_ready("app")
    ground.set_values(db="second")
    place.holds("app", db="second")
    wait_until(lambda: ("app", "Normal", "Updated") in place.events(), timeout_s=SOON_S, what="the Event")
    ground.delete("ExternalSecret", place.name, "app")
    place.vanishes("ExternalSecret", "app")
    assert place.data("app") is None
    ground.set_values(db="first")


def stores(ground: Territory, place: Place) -> None:
    """Run every kind of store, and rebuild them the way upstream's users ask for it."""
    ground.put("ServiceAccount", place.name, "reader", metadata={"annotations": {ROLE_ANNOTATION: NEAR}})
    place.credentials()
    place.store("keys")
    account_store(place, "account")
    account_store(place, "everywhere", "ClusterSecretStore")
    place.external("keys", data=through("keys"))
    place.external("account", data=through("account"))
    place.external("everywhere", data=through("everywhere", "ClusterSecretStore"))
    for name in ("keys", "account", "everywhere"):
        place.is_ready(name)
    for kind, namespace, name in (("SecretStore", place.name, "keys"), ("ClusterSecretStore", "", "everywhere")):
        ground.put(kind, namespace, name, metadata={"annotations": {TRIGGER_ANNOTATION: "1"}})
        wait_until(lambda: not _annotations(ground, kind, namespace, name), timeout_s=SOON_S, what="the rebuild")  # noqa: B023
        ground.delete(kind, namespace, name)
        wait_until(lambda: ground.get(kind, namespace, name) is None, timeout_s=SOON_S, what="the store to go")  # noqa: B023


def _annotations(ground: Territory, kind: str, namespace: str, name: str) -> dict[str, str]:
    found = ground.get(kind, namespace, name)
    assert found is not None
    return found["metadata"].get("annotations", {})


def templates(ground: Territory, place: Place) -> None:
    ground.put("ConfigMap", place.name, "parts", data={"conf": "login={{ .db }}"})
    ground.put("Secret", place.name, "frame", stringData={"ini": "[{{ .db }}]"})
    items = [
        {"configMap": {"name": "parts", "items": [{"key": "conf"}]}},
        {"secret": {"name": "frame", "items": [{"key": "ini"}]}},
    ]
    place.external("rendered", "db", target={"template": {"templateFrom": items}})
    place.holds("rendered", conf="login=first", ini="[first]")


def children(ground: Territory, fan: Place) -> None:
    """Spread children over namespaces, also over one that exists and has foreign fields, and take them back."""
    fan.external("fan", "db", rotationInterval="3h", type="Opaque")
    ground.put("ClusterExternalSecret", "", "fan", spec=FAN)
    fan.holds("fan", db="first")
    wait_until(
        lambda: "type" not in (fan.get("ExternalSecret", "fan") or {"spec": {"type": 1}})["spec"],
        timeout_s=SOON_S,
        what="our spec",
    )
    late = ground.namespace(fan="yes")
    late.holds("fan", db="first")
    ground.put("Namespace", "", late.name, metadata={"labels": {"fan": "no"}})
    late.vanishes("ExternalSecret", "fan")
    ground.delete("ClusterExternalSecret", "", "fan")
    wait_until(lambda: ground.get("ClusterExternalSecret", "", "fan") is None, timeout_s=SOON_S, what="the parent to vanish")
    fan.vanishes("ExternalSecret", "fan")


class LateClock(SystemClock):
    """A clock that can be put forward."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def read_past_silent_watches(kubeconfig: Path) -> None:
    """Read what is watched as a controller does whose watches gave no sign of life for too long: one by one."""
    clock = LateClock()
    with closing(open_connection(kubeconfig)) as connection:
        watched = WatchedCluster(connection.transport, clock=clock, random=SystemRandom())
        watched.need(ServiceAccount)
        watched.start()
        assert watched.wait_until_synced(SOON_S)
        clock.ahead_s = STALE_S + 1
        for kind in (*FROM_START, ServiceAccount):
            with pytest.raises(NotFoundError):
                watched.get(kind, "default" if kind.RESOURCE.namespaced else "", "nobody")
        watched.stop()


@dataclass(frozen=True)
class Lived:
    """What a whole life of a controller asked of the API server."""

    requests: list[Request]
    log: str
    metrics: dict[str, float]


@pytest.fixture(scope="module")
def lived(ground: Ground) -> Lived:
    began = ground.audit.position()
    with ground.territory.serve("--shards=2", f"--lease-namespace={SYSTEM}", watch_namespaces="") as serve:
        serve.is_ready()
        live_and_die(ground.territory)
        log, metrics = serve.log(), serve.metrics()
    read_past_silent_watches(ground.territory.asm.kubeconfig)
    return Lived(ground.audit.requests(began), log, metrics)


def test_nothing_the_controller_does_is_refused(lived: Lived) -> None:
    assert refusals(lived.requests) == []
    assert [name for name in lived.metrics if name.startswith("asm_kube_requests_total") and 'code="403"' in name] == []
    assert "forbidden" not in lived.log.lower()


def test_every_granted_verb_is_used_and_no_other(lived: Lived) -> None:
    used = {one.right for one in lived.requests}
    assert used == granted(*NAMESPACED, *CLUSTER, *LEASES) - {ENFORCED}


# -- a shadow


def test_a_shadow_uses_every_right_to_read_that_it_has_and_no_other(ground: Ground, tmp_path: Path) -> None:
    control_plane, place = ground.territory.control_plane, ground.territory.namespace()
    install(control_plane, "rbac", "-n", SYSTEM, "--shadow")
    shadow = account_kubeconfig(control_plane, tmp_path / "kubeconfig", SHADOW_NAME)
    ground.territory.put("ServiceAccount", place.name, "reader", metadata={"annotations": {ROLE_ANNOTATION: NEAR}})
    ground.territory.put("ConfigMap", place.name, "parts", data={"conf": "login={{ .db }}"})
    ground.territory.put("Secret", place.name, "app", stringData={"db": "former"})
    account_store(place, "account")
    account_store(place, "everywhere-else", "ClusterSecretStore")
    source = {"configMap": {"name": "parts", "items": [{"key": "conf"}]}}
    place.external("app", data=through("account"), target={"template": {"templateFrom": [source]}})
    place.external("other", data=through("everywhere-else", "ClusterSecretStore"))
    began = ground.audit.position()
    with ground.territory.serve("--shadow", asm=replace(ground.territory.asm, kubeconfig=shadow)) as serve:
        serve.is_ready()
        for words in ("would be created", "would be updated"):
            wait_until(lambda: words in serve.log(), timeout_s=SOON_S, what=words)  # noqa: B023
    read_past_silent_watches(shadow)
    asked = ground.audit.requests(began)
    assert refusals(asked) == []
    assert {one.right for one in asked} == granted(*reading((*NAMESPACED, *CLUSTER)))


# -- Roles in namespaces instead of a ClusterRole


NARROW = "asm-narrow"


@pytest.fixture(scope="module")
def narrow(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> tuple[Asm, Place]:
    """A namespace, and a controller's account that has a Role in it and nothing else."""
    control_plane, place = ground.territory.control_plane, ground.territory.namespace()
    control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": NARROW}})
    install(control_plane, "rbac", "-n", NARROW, "--watch-namespaces", place.name)
    file = tmp_path_factory.mktemp("narrow") / "kubeconfig"
    return replace(ground.territory.asm, kubeconfig=account_kubeconfig(control_plane, file, namespace=NARROW)), place


def test_roles_in_namespaces_are_enough_and_what_they_do_not_give_is_not_asked_for_again(
    ground: Ground, narrow: tuple[Asm, Place]
) -> None:
    asm, place = narrow
    off = {"process_cluster_secret_store": "false", "process_cluster_external_secret": "false"}
    alone = {"asm": asm, "watch_namespaces": place.name, "polling_interval": "1s", **off}
    began = ground.audit.position()
    with ground.territory.serve(f"--lease-namespace={NARROW}", **alone) as serve:
        serve.is_ready()
        plain_life(ground.territory, place)
        templates(ground.territory, place)
        ground.territory.put("ServiceAccount", place.name, "reader", metadata={"annotations": {ROLE_ANNOTATION: NEAR}})
        account_store(place, "account")
        place.external("account", data=through("account"))
        place.is_ready("account")
        place.external("shared", data=through("out-of-reach", "ClusterSecretStore"))
        place.is_ready("shared", "ReadFailed", "False")
        place.is_ready("rendered")
        time.sleep(1.5)
        calm, rounds = ground.audit.position(), serve.total("asm_rounds_total")
        time.sleep(3)
        assert serve.total("asm_rounds_total") - rounds >= 4
        assert serve.probe("/readyz")[0] == 200
        kept = [one for one in ground.audit.requests(calm) if one.right[1] != "leases"]
    assert kept == []
    denied = [str(one) for one in ground.audit.requests(began) if one.code == 403]
    assert sorted(denied) == sorted(set(denied)), "something refused was asked for twice"
    beyond = ("ack-secret-manager-lock", "list namespaces", "clustersecretstores")
    assert [one for one in denied if not any(word in one for word in beyond)] == []


# -- what is missing without


@pytest.fixture(scope="module")
def running(ground: Ground, lived: Lived) -> Iterator[Serve]:  # the audit of a whole life comes first
    """A controller of the whole cluster; where another one shall be alone, its tests come before those that ask for this."""
    with ground.territory.serve() as serve:
        yield serve.is_ready()


@contextmanager
def without(ground: Territory, group: str, resource: str, verb: str) -> Iterator[None]:
    """Take one verb on one resource from the account for a while."""
    path = f"{ROLES}/{NAME}"
    role = ground.control_plane.request("GET", path)
    rules = [part for rule in role["rules"] for part in _less(rule, group, resource, verb)]
    assert rules != role["rules"]
    ground.control_plane.request("PUT", path, {**role, "rules": rules})
    try:
        yield
    finally:
        now = ground.control_plane.request("GET", path)
        ground.control_plane.request("PUT", path, {**now, "rules": role["rules"]})


def _less(rule: dict[str, Any], group: str, resource: str, verb: str) -> Iterator[dict[str, Any]]:
    """Yield what remains of a rule."""
    if rule["apiGroups"] != [group] or resource not in rule["resources"]:
        yield rule
        return
    for resources, verbs in (
        ([one for one in rule["resources"] if one != resource], rule["verbs"]),
        ([resource], [one for one in rule["verbs"] if one != verb]),
    ):
        if resources and verbs:
            yield {**rule, "resources": resources, "verbs": verbs}


def refused(serve: Serve) -> float:
    return serve.total("asm_kube_requests_total", having='code="403"')


def test_without_deleting_secrets_a_deleted_object_stays_until_the_right_is_back(ground: Ground, running: Serve) -> None:
    place = ground.territory.namespace()
    place.external("app", "db")
    place.is_ready("app")
    before = refused(running)
    with without(ground.territory, "", "secrets", "delete"):
        ground.territory.delete("ExternalSecret", place.name, "app")
        wait_until(lambda: refused(running) > before, timeout_s=SOON_S, what="a refusal")
        assert place.data("app") == {"db": "first"}
        assert place.get("ExternalSecret", "app") is not None
    place.vanishes("ExternalSecret", "app")
    assert place.data("app") is None


@pytest.mark.parametrize(
    ("right", "words"),
    [
        (("alibabacloud.com", "externalsecrets", "create"), "cannot create"),
        (ENFORCED, "blockOwnerDeletion"),
    ],
)
def test_without_making_children_or_blocking_their_owner_no_child_is_applied(
    ground: Ground, running: Serve, right: Right, words: str
) -> None:
    place, name = ground.territory.namespace(**{right[2]: "yes"}), f"without-{right[2]}"
    spec = {**FAN, "namespaceSelectors": [{"matchLabels": {right[2]: "yes"}}], "refreshTime": "1s"}
    before = refused(running)
    with without(ground.territory, *right):
        ground.territory.put("ClusterExternalSecret", "", name, spec=spec)
        wait_until(lambda: refused(running) > before, timeout_s=SOON_S, what="a refusal")
        wait_until(lambda: words in str(ground.territory.get("ClusterExternalSecret", "", name)), timeout_s=SOON_S, what=words)
        assert place.get("ExternalSecret", name) is None
    place.holds(name, db="first")
    ground.territory.delete("ClusterExternalSecret", "", name)


# -- a ServiceAccount as the identity of a store


def test_a_service_account_that_comes_changes_or_goes_wakes_its_users(ground: Ground, running: Serve) -> None:
    place, where = ground.territory.namespace(), "ServiceAccount"
    account_store(place, "near")
    account_store(place, f"far-{place.name}", "ClusterSecretStore")
    users = {"stored": ("near", "SecretStore"), "shared": (f"far-{place.name}", "ClusterSecretStore")}
    for name, store in users.items():
        place.external(name, data=through(*store), rotationInterval="1h")
        place.is_ready(name, "ReadFailed", "False")

    def role(arn: str, reason: str, status: str) -> None:
        ground.territory.put(where, place.name, "reader", metadata={"annotations": {ROLE_ANNOTATION: arn}})
        for name in users:
            place.is_ready(name, reason, status, timeout_s=5)

    role(NEAR, "Synced", "True")
    role(CLOSED, "ReadFailed", "False")
    assert all(CLOSED in str(place.get("ExternalSecret", name)) for name in users)
    role(NEAR, "Synced", "True")
    ground.territory.delete(where, place.name, "reader")
    for name in users:
        place.is_ready(name, "ReadFailed", "False", timeout_s=5)
        assert place.data(name) == {"db": "first"}
