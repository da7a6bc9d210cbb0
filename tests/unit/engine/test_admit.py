"""Entries before anything is fetched: store, gates, references, client name and version (access-control.md 4)."""

import pytest

from kubectl_asm.errors import AccessError
from kubectl_asm.model.backend import ErrorClass, Provider, Tier
from tests.unit.engine.worlds import admitted, cluster, cluster_store, external, key_refs, key_secret, obj, refusal, store

ROLE = "ack.alibabacloud.com/role-arn"
PROVIDER = "acs:ram::1:oidc-provider/p"


def account(namespace="default", annotations=None):
    return obj(
        "ServiceAccount",
        "app",
        namespace,
        metadata={"annotations": {ROLE: "acs:ram::1:role/r"} if annotations is None else annotations},
    )


class Failing:
    """A reader whose reads of one kind are forbidden."""

    def __init__(self, inner, kind):
        self.inner, self.kind = inner, kind

    def get(self, kind, namespace, name):
        if kind.RESOURCE.kind == self.kind:
            raise AccessError("forbidden", status=403)
        return self.inner.get(kind, namespace, name)


@pytest.mark.parametrize(
    ("ref", "endpoint", "provider", "name"),
    [
        (None, "", Provider.KMS, "env.client"),
        (None, " kms.cn-beijing.aliyuncs.com ", Provider.KMS, "env.client#kms.cn-beijing.aliyuncs.com"),
        ({"name": "s"}, " ", Provider.KMS, "namespace/default/s"),
        ({"name": "s", "namespace": "b"}, "", Provider.KMS, "namespace/b/s"),
        ({"name": "s", "kind": "ClusterSecretStore", "namespace": "b"}, "", Provider.KMS, "cluster/s"),
        (None, "kms.cn-beijing.aliyuncs.com", Provider.OOS, "env.client"),
    ],
)
def test_client_names(ref, endpoint, provider, name):
    assert admitted(cluster(), external(ref, kmsEndpoint=endpoint), provider=provider).client_name == name


def test_the_newest_profile_names_a_second_client_for_oos():
    one = external(kmsEndpoint="kms.cn-beijing.aliyuncs.com")
    admission = admitted(cluster(), one, provider=Provider.OOS, oos_ignores_endpoint=False)
    assert admission.client_name == "env.client#kms.cn-beijing.aliyuncs.com"


@pytest.mark.parametrize(
    ("spec", "provider"),
    [
        ({}, Provider.KMS),
        ({"KMS": {}}, Provider.KMS),
        ({"OOS": {"OOSAuth": {}}}, Provider.KMS),
        ({"KMS": {"KMSAuth": {}}}, Provider.OOS),
        ({"KMS": {"KMSAuth": {}}, "OOS": {"OOSAuth": {}}}, Provider.KMS),
        ({"KMS": {"KMSAuth": {}, "dedicatedKMSAuth": {"protocol": "https"}}}, Provider.KMS),
    ],
)
def test_malformed_stores_never_lead_to_another_client(spec, provider):
    world = cluster(obj("SecretStore", "s", "default", spec=spec))
    admission = admitted(world, external({"name": "s"}), {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}, provider)
    assert (admission.plan, admission.refusal.error_class) == (None, ErrorClass.CONFIGURATION)


@pytest.mark.parametrize(
    ("ref", "error_class"),
    [
        ({"name": ""}, ErrorClass.REFERENCE),
        ({"name": "gone"}, ErrorClass.REFERENCE),
        ({"name": "s", "kind": "ClusterSecretStore"}, ErrorClass.REFERENCE),
        ({"name": "s", "kind": "secretstore"}, ErrorClass.CONFIGURATION),
    ],
)
def test_references_to_no_store(ref, error_class):
    assert admitted(cluster(store()), external(ref)).refusal.error_class is error_class


def test_the_first_gate_comes_before_the_look_up():
    admission = admitted(cluster(), external({"name": "gone", "namespace": "b"}), enable_cross_namespace_secret_store=False)
    assert (admission.refusal.gate, [gate.allowed for gate in admission.gates]) == ("G1", [False])


def test_references_of_a_store_stay_in_its_own_namespace_when_told_to():
    world = cluster(store(**key_refs(namespace="vault")), key_secret(namespace="vault"))
    closed = admitted(world, external({"name": "s"}), enable_cross_namespace_auth_ref=False)
    assert (closed.refusal.gate, closed.refusal.error_class) == ("G2", ErrorClass.ACCESS)
    lifted = admitted(world, external({"name": "s"}), enable_cross_namespace_auth_ref=False, ignore_access_gates=True)
    assert lifted.plan.identity.tier is Tier.AK


def test_the_store_of_another_namespace_looks_up_its_keys_at_home():
    world = cluster(
        store(namespace="infra", **key_refs()), key_secret(namespace="web"), key_secret(namespace="infra", id="i", secret="x")
    )
    admission = admitted(world, external({"name": "s", "namespace": "infra"}, "web"))
    assert admission.plan.identity.key.key_id.reveal() == b"i"


CLUSTER_REF = {"name": "cs", "kind": "ClusterSecretStore"}


def test_references_of_a_cluster_store_need_a_namespace():
    world = cluster(cluster_store(**key_refs()), key_secret())
    for changes in ({}, {"ignore_access_gates": True}):
        assert admitted(world, external(CLUSTER_REF), **changes).refusal.error_class is ErrorClass.REFERENCE
    skipped = admitted(world, external(CLUSTER_REF), missing_access_key="skip", enable_worker_role=True)
    assert skipped.plan.identity.tier is Tier.WORKER_ROLE


@pytest.mark.parametrize("data", [{"id": "x", "typo": "y"}, {"id": "x", "secret": ""}, {"id": "x", "secret": "\n"}])
def test_missing_and_empty_keys_fail_or_are_skipped(data):
    world = cluster(store(**key_refs()), key_secret(**data))
    assert refusal(admitted(world, external({"name": "s"}))).error_class is ErrorClass.REFERENCE
    skipped = admitted(world, external({"name": "s"}), missing_access_key="skip", enable_worker_role=True)
    assert skipped.plan.identity.tier is Tier.WORKER_ROLE
    assert skipped.notes


def test_a_secret_that_cannot_be_read_is_not_a_missing_one():
    world = Failing(cluster(store(**key_refs()), key_secret()), "Secret")
    admission = admitted(world, external({"name": "s"}), missing_access_key="skip", enable_worker_role=True)
    assert refusal(admission).error_class is ErrorClass.REFERENCE


@pytest.mark.parametrize("objects", [[], [account(annotations={})], [account("other")]])
def test_service_accounts_without_a_role_fail_under_every_switch(objects):
    world = cluster(store(serviceAccountRef={"name": "app"}, oidcProviderARN=PROVIDER), *objects)
    for fallback in ("", "chain"):
        admission = admitted(world, external({"name": "s"}), sa_auth_fallback=fallback, enable_worker_role=True)
        assert refusal(admission).error_class is ErrorClass.REFERENCE


def test_next_to_a_service_account_the_keys_are_not_looked_at():
    keys = key_refs(namespace="vault")
    world = cluster(store(serviceAccountRef={"name": "app"}, oidcProviderARN=PROVIDER, **keys), account())
    admission = admitted(world, external({"name": "s"}), enable_cross_namespace_auth_ref=False)
    assert admission.plan.identity.tier is Tier.SERVICE_ACCOUNT


def test_both_spellings_of_the_remote_role():
    seed = cluster(store(**key_refs(), remoteRamRoleArn="acs:ram::2:role/x"), key_secret())
    assert admitted(seed, external({"name": "s"})).plan.identity.hop.role_arn == "acs:ram::2:role/x"
    both = cluster(store(**key_refs(), remoteRamRoleArn="a", remoteRamRoleARN="b"), key_secret())
    assert admitted(both, external({"name": "s"})).refusal.error_class is ErrorClass.CONFIGURATION


def test_the_version_follows_everything_the_client_is_made_of_but_no_status():
    def version(world):
        return admitted(world, external({"name": "s"})).plan.version

    world = cluster(store(serviceAccountRef={"name": "app"}, oidcProviderARN=PROVIDER), account(), key_secret())
    first = version(world)
    one = world.get(type(store()), "default", "s")
    world.set_status(one, type(one.status)(capabilities="ReadOnly"))
    assert version(world) == first
    world.load([account(annotations={ROLE: "acs:ram::1:role/other"})])
    assert version(world) != first


def test_references_are_resolved_before_the_host_is_checked():
    one = external({"name": "s"}, kmsEndpoint="bad host")
    assert refusal(admitted(cluster(store(**key_refs())), one)).error_class is ErrorClass.REFERENCE
    assert refusal(admitted(cluster(store(**key_refs()), key_secret()), one)).error_class is ErrorClass.ENDPOINT
