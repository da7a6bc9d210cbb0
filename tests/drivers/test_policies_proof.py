"""The generated RAM and trust policies are enough, and nothing in them can go: proved against the emulator's services.

Objects over every tier are read through the real credential chain and the real SDK. With the generated policies every
entry is read; without any one statement, resource, principal or claim some entry fails.
"""

import base64
import copy
import json
import time
from collections.abc import Iterator

import pytest

from kubectl_asm.adapters.cloud.router import CloudRouter, Transports, sdk_client
from kubectl_asm.adapters.credentials.chain import CredentialChain, Surroundings
from kubectl_asm.adapters.decorate import BatchingSource, Retry
from kubectl_asm.adapters.system import SystemRandom, utc_now
from kubectl_asm.emulator.options import DEFAULT_ACCOUNT
from kubectl_asm.engine.admit import Admitter
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.policies import Subject
from kubectl_asm.engine.policies_ram import ram_policies
from kubectl_asm.engine.policies_trust import CONTROLLER, ISSUER, trust_policies
from kubectl_asm.engine.policies_trust import Surroundings as TrustSurroundings
from kubectl_asm.model.backend import BackendError, Provider, SecretRead
from tests.unit.emulator.worlds import CLOCK, running, transport_options
from tests.unit.engine.worlds import cluster, obj, settings

HOME, FAR = DEFAULT_ACCOUNT, "2000000000000002"  # instance metadata belongs to the default account
OIDC = f"acs:ram::{HOME}:oidc-provider/ack-rrsa-c1"
CLAIMS = {"iss": "https://issuer.example", "aud": "sts.aliyuncs.com"}
CONTROLLER_ACCOUNT = ("kube-system", "controller")


def role(name: str, account: str = HOME) -> str:
    return f"acs:ram::{account}:role/{name}"


STORES = {
    "file": {"ramRoleARN": role("file"), "oidcProviderARN": OIDC},
    "account": {"serviceAccountRef": {"name": "app"}, "oidcProviderARN": OIDC, "remoteRamRoleARN": role("far", FAR)},
    "key": {**{field: {"name": "ak", "key": part} for field, part in (("accessKey", "id"), ("accessKeySecret", "secret"))}},
}
STORES["assume"] = {**STORES["key"], "ramRoleARN": role("assumed")}
STORES["worker"] = {"remoteRamRoleARN": role("hopped")}


def world():
    return cluster(
        *(obj("SecretStore", name, "a", spec={"KMS": {"KMSAuth": auth}}) for name, auth in STORES.items()),
        obj("SecretStore", "parameters", "a", spec={"OOS": {"OOSAuth": STORES["assume"]}}),
        obj("Secret", "ak", "a", stringData={"id": "AK", "secret": "s"}),
        obj("ServiceAccount", "app", "a", metadata={"annotations": {"ack.alibabacloud.com/role-arn": role("pod")}}),
    )


def entry(key, store, **more):
    return {"key": key, "secretStoreRef": {"name": store}, **more}


def external(name, provider, *entries):
    return obj("ExternalSecret", name, "a", spec={"provider": provider, "data": list(entries)})


DEDICATED = "kst-1.cryptoservice.kms.aliyuncs.com"
EXTERNALS = (
    external("mixed", "kms", entry("db", "file"), entry("team/x", "account"), entry("m", "worker")),
    external("more", "kms", entry("db2", "file"), entry("as", "assume"), entry("d", "file", kmsEndpoint=DEDICATED)),
    external("several", "oos", entry("p1", "parameters"), entry("group/p2", "parameters")),
    external("single", "oos", entry("p3", "parameters")),
)
FIXTURES = {
    "kms": dict.fromkeys(("db", "db2", "d", "team/x", "m", "as"), "v"),
    "oos": dict.fromkeys(("p1", "group/p2", "p3"), "v"),
}


def subjects():
    admitter = Admitter(References(world()), settings(enable_worker_role=True), {})
    return [Subject(one, admitter.admit(one, Provider(one.spec.provider))) for one in EXTERNALS]


def generated():
    """The policies by principal, as plain documents with the placeholders filled in."""
    ram = {one.principal.name: plain(one.document) for one in ram_policies(subjects()).policies}
    around = TrustSurroundings(CLAIMS["iss"], CONTROLLER_ACCOUNT)
    trust = {one.principal.name: plain(one.document) for one in trust_policies(subjects(), settings(), around)}
    return ram, trust


ALICE = "the RAM user of the AccessKey of SecretStore a/assume, SecretStore a/parameters"
NODES = "the worker role of the nodes"


def plain(document):
    text = json.dumps(document).replace(f"<ARN of {ALICE}>", f"acs:ram::{HOME}:user/alice")
    return json.loads(text.replace(f"<ARN of {NODES}>", role("nodes")))


def accounts(ram, trust):
    """An accounts document in which nobody may do anything but what the policies say."""
    users = [{"name": "alice", "accessKeys": [{"id": "AK", "secret": "s"}], "policies": named(ram, ALICE)}]
    found = []
    for account, names in ((HOME, ("file", "pod", "assumed", "hopped", "nodes")), (FAR, ("far",))):
        roles = []
        for name in names:
            arn = role(name, account)
            policies = named(ram, NODES if name == "nodes" else arn)
            nobody = {"Statement": []}
            roles.append({"name": name, "policies": policies, "trust": trust.get(arn, nobody)})
        found.append({"id": account, "roles": roles})
    found[0] |= {"users": users, "oidcProviders": [{"name": "ack-rrsa-c1"}]}
    return {"accounts": found, "metadata": {"role": "nodes"}}


def named(ram, *names):
    return [ram[name] for name in names if name in ram]


def token(subject: tuple[str, str]) -> str:
    claims = {**CLAIMS, "sub": f"system:serviceaccount:{':'.join(subject)}", "exp": int(time.time()) + 3600}
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.c2ln"


class Tokens:
    def issue(self, namespace, name, audiences):
        return token((namespace, name))


def failures(emulator, chosen) -> list[str]:
    """The keys that could not be read, with fresh credentials and clients."""
    transports = Transports(transport_options(emulator), CLOCK)
    surroundings = Surroundings(
        transports.get(), "sts.cn-hangzhou.aliyuncs.com", utc_now, SystemRandom(), Tokens(),
        read_file=lambda _path: token(CONTROLLER_ACCOUNT).encode(),
    )  # fmt: skip
    router = CloudRouter(CredentialChain(surroundings).provider_for, sdk_client(transports))
    source = BatchingSource(router, Retry(CLOCK, SystemRandom()))
    try:
        pairs = [pair for reads in chosen for pair in zip(reads, source.fetch_many(reads), strict=True)]
        return [read.request.key for read, got in pairs if isinstance(got, BackendError)]
    finally:
        transports.close()


def reads_of(found) -> list[list[SecretRead]]:
    return [[one.read for one in subject.admissions if one.read is not None] for subject in found]


@pytest.fixture(scope="module")
def emulator():
    with running(FIXTURES) as emulator:
        yield emulator


READS = reads_of(subjects())
RAM, TRUST = generated()


PARTS = (("Resource",), ("Principal", "RAM"), ("Principal", "Federated"), ("Condition", "StringEquals", "oidc:sub"))


def smaller(documents) -> Iterator[tuple[str, dict]]:
    """Every way to take one statement, or one of several resources, actions, principals or subjects, out of the documents."""
    for name, document in documents.items():
        for number, statement in enumerate(document["Statement"]):
            less = copy.deepcopy(documents)
            del less[name]["Statement"][number]
            yield f"{name}: statement {number}", less
            for path in (
                ("Resource",),
                ("Principal", "RAM"),
                ("Principal", "Federated"),
                ("Condition", "StringEquals", "oidc:sub"),
            ):
                for value in several(statement, path):
                    less = copy.deepcopy(documents)
                    place = less[name]["Statement"][number]
                    for step in path[:-1]:
                        place = place[step]
                    place[path[-1]] = [one for one in place[path[-1]] if one != value]
                    yield f"{name}: without {value}", less


def several(statement, path):
    found = statement
    for step in path:
        found = found.get(step, {})
    return found if isinstance(found, list) and len(found) > 1 else []


def test_with_the_generated_policies_every_entry_is_read(emulator):
    emulator.set_accounts(accounts(RAM, TRUST))
    assert sum(map(len, READS)) == 9
    assert failures(emulator, READS) == []


@pytest.mark.parametrize(("what", "less"), list(smaller(RAM)), ids=lambda value: value if isinstance(value, str) else "")
def test_without_any_part_of_a_ram_policy_something_fails(emulator, what, less):
    emulator.set_accounts(accounts(less, TRUST))
    assert failures(emulator, READS), what


@pytest.mark.parametrize(("what", "less"), list(smaller(TRUST)), ids=lambda value: value if isinstance(value, str) else "")
def test_without_any_part_of_a_trust_policy_something_fails(emulator, what, less):
    emulator.set_accounts(accounts(RAM, less))
    assert failures(emulator, READS), what


@pytest.mark.parametrize("claim", ["oidc:iss", "oidc:aud", "oidc:sub"])
def test_a_token_with_another_claim_does_not_get_the_role(emulator, claim):
    other = copy.deepcopy(TRUST)
    other[role("pod")]["Statement"][0]["Condition"]["StringEquals"][claim] = "another"
    emulator.set_accounts(accounts(RAM, other))
    assert failures(emulator, READS) == ["team/x"]


def test_only_wildcards_that_are_marked_are_in_a_policy():
    for one in ram_policies(subjects()).policies:
        for statement in one.document["Statement"]:
            open_ended = [text for text in statement["Resource"] if text.rpartition("/")[2] == "*"]
            assert set(open_ended) <= set(one.placeholders)


def test_a_name_with_a_wildcard_is_left_out_and_reported():
    wild = external("wild", "kms", entry("*", "file"), entry("team/?", "file"))
    admitter = Admitter(References(world()), settings(), {})
    found = ram_policies([Subject(wild, admitter.admit(wild, Provider.KMS))])
    assert (found.policies, [one.entry for one in found.problems]) == ((), ["data[0]", "data[1]"])


def test_long_term_keys_may_decrypt_and_sessions_of_the_shared_gateway_need_not():
    admitter = Admitter(References(world()), settings(), {})

    def actions(store):
        one = external("one", "kms", entry("db", store))
        found = ram_policies([Subject(one, admitter.admit(one, Provider.KMS))]).policies
        return {action for policy in found for statement in policy.document["Statement"] for action in statement["Action"]}

    assert actions("key") == {"kms:GetSecretValue", "kms:Decrypt"}
    assert actions("file") == {"kms:GetSecretValue"}


def test_an_arn_as_a_key_names_its_own_account_and_region():
    arn = f"acs:kms:cn-beijing:{FAR}:secret/theirs"
    one = external("one", "kms", entry(arn, "file"))
    admitter = Admitter(References(world()), settings(), {})
    (policy,) = ram_policies([Subject(one, admitter.admit(one, Provider.KMS))]).policies
    assert policy.document["Statement"][0]["Resource"] == [arn]


def test_the_region_of_a_secret_is_that_of_its_endpoint():
    one = external("one", "kms", entry("db", "file", kmsEndpoint="kms.cn-beijing.aliyuncs.com"))
    admitter = Admitter(References(world()), settings(), {})
    (policy,) = ram_policies([Subject(one, admitter.admit(one, Provider.KMS))]).policies
    assert policy.document["Statement"][0]["Resource"] == [f"acs:kms:cn-beijing:{HOME}:secret/db"]


def test_what_no_manifest_says_is_a_marked_placeholder():
    found = {one.principal.name: one for one in trust_policies(subjects(), settings(), TrustSurroundings())}
    assert set(found[role("file")].placeholders) == {ISSUER, CONTROLLER}
    assert set(found[role("assumed")].placeholders) == {f"<ARN of {ALICE}>"}
    assert set(found[role("hopped")].placeholders) == {f"<ARN of {NODES}>"}
    assert found[role("far", FAR)].placeholders == {}


def test_the_issuer_of_an_ack_cluster_is_known_from_its_id():
    chosen = settings(cluster_id="c1")
    found = {one.principal.name: one for one in trust_policies(subjects(), chosen, TrustSurroundings())}
    claims = found[role("pod")].document["Statement"][0]["Condition"]["StringEquals"]
    assert claims["oidc:iss"] == "https://oidc-ack-cn-hangzhou.oss-cn-hangzhou.aliyuncs.com/c1"
    assert claims["oidc:sub"] == "system:serviceaccount:a:app"
