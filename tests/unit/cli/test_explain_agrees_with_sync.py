"""What is explained is what is done: random objects, stores and settings, on the product's own credential chain and router.

The wire below the chain records every request; the explanation of the same objects must name exactly these.
"""

from datetime import datetime
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.decorate import SequentialSource
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.calls import Call, calls_of, hosts_of
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Plan
from kubectl_asm.engine.policies import Subject
from kubectl_asm.engine.policies_egress import destinations
from kubectl_asm.gotemplate import Environment
from kubectl_asm.model.backend import ErrorClass
from kubectl_asm.model.settings import PROFILES, AuthOrder, Settings
from kubectl_asm.wiring.offline import Unlimited
from tests.harness.identity import Wire, router_over
from tests.harness.world import FakeClock, SeededRandom
from tests.unit.engine.worlds import cluster, obj

ROLE, PROVIDER = "acs:ram::1234567890123456:role/reader", "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1"


VALUES = dict.fromkeys(("k1", "k2", "deep/k3"), '{"member": "value"}')


def maybe(name: str, *values: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A field with one of these values, or no such field."""
    return st.sampled_from([{}, *({name: value} for value in values)])


def often(usual: dict[str, Any], *others: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mostly the usual fields, so that most entries come as far as a call."""
    return st.sampled_from([usual] * 3 * len(others) + list(others))


def together(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: dict(chain.from_iterable(part.items() for part in found)))


def key_ref(key: str) -> list[dict[str, str]]:
    good, elsewhere = {"name": "ak", "key": key}, {"name": "ak", "key": key, "namespace": "a"}
    return [elsewhere, good, elsewhere, {"name": "ak", "key": "none"}, {"name": "gone", "key": key}]


NAMES = ("full", "full", "empty", "bare", "gone")
ACCOUNTS = [*({"name": name, "namespace": "a"} for name in NAMES), {"name": "full", "audiences": ["x"]}]
AUTHS = together(
    maybe("accessKey", *key_ref("id")),
    maybe("accessKeySecret", *key_ref("secret")),
    maybe("ramRoleARN", ROLE),
    maybe("ramRoleSessionName", "session"),
    maybe("oidcProviderARN", PROVIDER, "bad"),
    often({}, *({"roleSessionExpiration": text} for text in ("1h", "900", "soon"))),
    maybe("remoteRamRoleARN", "acs:ram::2:role/far"),
    maybe("remoteRamRoleSessionName", "far-session"),
    maybe(
        "serviceAccountRef",
        *({"name": name, "namespace": "a"} for name in ("full", "empty", "bare", "gone")),
        {"name": "full", "audiences": ["x"]},
    ),
)
STORES = AUTHS.flatmap(
    lambda auth: st.sampled_from(
        [
            {"KMS": {"KMSAuth": auth}},
            {"KMS": {"KMSAuth": auth}},
            {"OOS": {"OOSAuth": auth}},
            {"KMS": {"KMSAuth": auth}, "OOS": {"OOSAuth": auth}},
            {"KMS": {}},
        ]
    )
)
CONDITIONS = st.sampled_from(
    [
        [],
        [{"namespaces": ["a"]}],
        [{"namespaces": ["a"], "namespaceRegexes": ["^b$"]}],
        [{"namespaceRegexes": ["["]}],
        [{"namespaceSelector": {"matchLabels": {"x": "y"}}}],
    ]
)
REFS = st.sampled_from(
    [
        None,
        {"name": "one"},
        {"name": "one", "namespace": "a"},
        {"name": "one", "kind": "ClusterSecretStore"},
        {"name": "one", "namespace": "b"},
        {"name": "one", "kind": "ClusterSecretStore"},
        {"name": "two"},
        {"name": "two", "kind": "ClusterSecretStore"},
        {"name": "two", "namespace": "b", "kind": "SecretStore"},
        {"name": ""},
        {"name": "gone", "namespace": "b"},
        {"name": "gone"},
        {"name": "one", "kind": "Odd"},
    ]
)
ENTRIES = together(
    st.sampled_from([{"key": "k1"}, {"key": "k2"}, {"key": "deep/k3"}]),
    REFS.map(lambda ref: {"secretStoreRef": ref} if ref else {}),
    maybe("kmsEndpoint", "kms.cn-beijing.aliyuncs.com", " kst-1.cryptoservice.kms.aliyuncs.com ", "evil.example.com"),
    maybe("versionId", "v1"),
    maybe("versionStage", "ACSPrevious"),
)
SETTINGS = together(
    st.sampled_from(["0.6.2", "0.6.2", "0.6.7", "0.6.2-exact"]).map(lambda name: {"compat": name, **PROFILES[name]}),
    often({"region": "cn-hangzhou"}, {}, {"region": "cn-hangzhou-finance"}, {"region": "Bad Region"}),
    maybe("auth_order", *AuthOrder),
    maybe("enable_worker_role", False),
    maybe("sa_auth_fallback", "chain"),
    maybe("missing_access_key", "skip"),
    maybe("enable_cross_namespace_secret_store", False),
    maybe("enable_cross_namespace_auth_ref", False),
    often({}, {"cluster_id": "c1", "uid": "1234567890123456"}, {"cluster_id": "c1", "uid": "me"}),
    maybe("default_session_name", ""),
    maybe("network", "public"),
    maybe("sts_network", "public"),
    maybe("sts_endpoint", "sts.example.com"),
    often({}, {"kms_endpoint": "kms.cn-shanghai.aliyuncs.com"}, {"kms_endpoint": "localhost"}),
    maybe("endpoint_policy", "permissive"),
    maybe("oos_ignores_endpoint", False),
    maybe("oos_endpoint", "oos.cn-hangzhou.aliyuncs.com"),
    maybe("oidc_session_name", "fixed"),
    maybe("session_expiration", False),
    maybe("environment_token_file", False),
    maybe("trim_access_keys", False),
    maybe("namespace_regex_mode", "fullmatch"),
    maybe("invalid_condition", "skip"),
    maybe("ignore_access_gates", True),
    maybe("watch_namespaces", ("a",)),
)
ENVIRONMENTS = together(
    st.sampled_from(
        [
            {},
            {"ACCESS_KEY_ID": "env-id", "SECRET_ACCESS_KEY": "env-secret"},
            {"ACCESS_KEY_ID": "env-id", "SECRET_ACCESS_KEY": "env-secret\n"},
            {"ACCESS_KEY_ID": "env-id"},
        ]
    ),
    maybe("ALICLOUD_ROLE_SESSION_NAME", "env-session"),
    maybe("ALICLOUD_ROLE_SESSION_EXPIRATION", "30m", "never"),
    maybe("ALICLOUD_REMOTE_ROLE_SESSION_NAME", "env-far"),
    maybe("ALICLOUD_ROLE_ARN", ROLE),
    maybe("ALICLOUD_OIDC_PROVIDER_ARN", PROVIDER),
    maybe("ALICLOUD_REMOTE_ROLE_ARN", "acs:ram::2:role/far"),
    maybe("ALIBABA_CLOUD_STS_ENDPOINT", "sts.environment.example.com"),
    maybe("ALIBABA_CLOUD_ECS_METADATA", "NamedRole"),
    maybe("ALIBABA_CLOUD_IMDSV2_DISABLED", "true"),
)  # fmt: skip


def objects() -> st.SearchStrategy[dict[str, Any]]:
    """The spec of an ExternalSecret: entries of both sides; a provider that may be none."""
    return st.builds(
        lambda provider, data, extracts: {
            "provider": provider, "data": data, "dataProcess": [{"extract": one} for one in extracts]
        },
        st.sampled_from(["kms", "kms", "oos", "oos", "kms", "vault"]),
        st.lists(ENTRIES, min_size=1, max_size=3),
        st.lists(ENTRIES, max_size=2),
    )  # fmt: skip


def world_of(spec: dict[str, Any], other: dict[str, Any], conditions: list[dict[str, Any]]) -> Any:
    accounts = {"full": {"ack.alibabacloud.com/role-arn": ROLE}, "empty": {"ack.alibabacloud.com/role-arn": ""}, "bare": {}}
    return cluster(
        obj("SecretStore", "one", "a", spec=spec),
        obj("SecretStore", "one", "b", spec=spec),
        obj("ClusterSecretStore", "one", spec={**spec, "conditions": conditions}),
        *(obj("SecretStore", "two", place, spec=other) for place in ("a", "b")),
        obj("ClusterSecretStore", "two", spec=other),
        obj("Secret", "ak", "a", stringData={"id": "LTAI-one", "secret": "sk-one"}),
        *(obj("ServiceAccount", name, "a", metadata={"annotations": notes}) for name, notes in accounts.items()),
    )


def expected(admissions: list[EntryAdmission], calls: list[tuple[Call, ...]]) -> list[tuple[str, Any, str, str]]:
    """The requests of rounds: every client of a service gets its credentials once, at its first read."""
    found: list[tuple[str, Any, str, str]] = []
    served: set[tuple[str, str]] = set()
    for admission, one in zip(admissions, calls, strict=True):
        client = admission.client_name.split("#", 1)[0]
        service = one[-1].service if one else ""
        for call in one if (client, service) not in served else one[-1:]:
            if call.service != "file" and call.action != "Token":
                found.append((f"{call.service}.{call.action}", shape(call.service, dict(call.params)), call.host, client))
        if one:
            served.add((client, service))
    return found


def shape(service: str, params: dict[str, Any]) -> Any:
    if service == "metadata":
        return None  # which role the machine has is known after the first call only
    # the token itself is a secret, so an explanation says only where it comes from
    shown = {name: list(value) if isinstance(value, tuple) else value for name, value in params.items() if name != "OIDCToken"}
    return dict(sorted(shown.items()))


def seen(wire: Wire) -> list[tuple[str, Any, str, str]]:
    calls = (*wire.identity_calls, *wire.reads)
    return [(call.api, shape(call.api.partition(".")[0], call.params), call.host, call.client) for call in calls]


def no_template(_now: datetime) -> Environment:
    raise AssertionError("these objects have no template")


def run(world: Any, externals: list[Any], chosen: Settings, environment: dict[str, str]) -> tuple[list[tuple[Any, Plan]], Wire]:
    """Admit and plan every object, one after the other, with one set of clients as in a pass."""
    clock, random = FakeClock(), SeededRandom()
    wire = Wire({"kms": VALUES, "oos": VALUES}, clock)
    router = router_over(wire, chosen, environment, clock, random)
    ports = RoundPorts(world, References(world), SequentialSource(router), Unlimited(), clock.instant, no_template, environment)
    rounds = Rounds(ports, chosen)
    return [(rounds.admit(external), rounds.plan(external)) for external in externals], wire


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    spec=STORES,
    other=STORES,
    conditions=CONDITIONS,
    specs=st.lists(objects(), min_size=1, max_size=2),
    changes=SETTINGS,
    environment=ENVIRONMENTS,
)
def test_explained_calls_hosts_and_refusals_are_those_of_sync(  # type: ignore[no-untyped-def]
    spec, other, conditions, specs, changes, environment
) -> None:
    chosen = Settings().replaced(changes)
    externals = [obj("ExternalSecret", f"demo-{number}", "a", spec=one) for number, one in enumerate(specs)]
    outcomes, wire = run(world_of(spec, other, conditions), externals, chosen, environment)
    hosts = hosts_of(chosen, environment)
    subjects = [Subject(one, found) for one, (found, _) in zip(externals, outcomes, strict=True) if isinstance(found, tuple)]
    admissions = [admission for subject in subjects for admission in subject.admissions]
    calls = [calls_of(one, hosts) for one in admissions]
    event(f"entries that are read: {sum(map(bool, calls))}")
    wanted, got = expected(admissions, calls), seen(wire)
    assert sorted(map(repr, wanted)) == sorted(map(repr, got))
    for client in {one[3] for one in wanted}:
        assert credentials(wanted, client) == credentials(got, client), "in this order"
    allowed = {one.host for one in destinations(subjects, hosts)}
    assert allowed == {host for _, _, host, _ in got if host}
    for found, plan in outcomes:
        if not isinstance(found, tuple):
            assert found.decision == plan.decision, "an object that is not handled is told as it is"
            continue
        for admission, report in zip(found, plan.entries, strict=True):
            refusal = admission.refusal or (admission.plan.refusal if admission.plan else None)
            assert (refusal is None) == bool(calls_of(admission, hosts))
            assert report.error_class == (refusal.error_class if refusal else ""), report.error or ErrorClass.BACKEND


def credentials(calls: list[tuple[str, Any, str, str]], client: str) -> list[tuple[str, Any, str, str]]:
    """The calls with which one client got its credentials."""
    return [one for one in calls if one[3] == client and not one[0].startswith(("kms.", "oos."))]
