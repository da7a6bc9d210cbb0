"""The fixtures file as a backend."""

import pytest

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader, store_name
from kubectl_asm.adapters.cloud.values import Payload, decode_fixtures
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    ErrorClass,
    Provider,
    Refusal,
    SecretRead,
    SecretRequest,
    StaleClientError,
)
from kubectl_asm.model.sensitive import SecretBytes

KMS, OOS = Provider.KMS, Provider.OOS


def reader(document: dict, **options) -> FixtureSecretReader:
    fixtures, problems = decode_fixtures(document)
    assert not problems
    return FixtureSecretReader(fixtures, **options)


def read(key: str, provider: Provider = KMS, client: str = "env.client", **request) -> SecretRead:
    return SecretRead(ClientPlan(client, provider), SecretRequest(provider, key, **request))


def test_services_are_apart():
    cloud = reader({"kms": {"k": "from kms"}, "oos": {"k": "from oos"}})
    assert cloud.read(read("k")).data == SecretBytes(b"from kms")
    assert cloud.read(read("k", OOS)).data == SecretBytes(b"from oos")


def test_an_unknown_key_answers_404():
    with pytest.raises(BackendError) as caught:
        reader({}).read(read("k"))
    assert (caught.value.code, caught.value.status) == ("Forbidden.ResourceNotFound", 404)


def test_a_default_answers_every_key_that_is_not_written_down():
    assert reader({}, default=Payload(SecretBytes(b"v"))).read(read("k")).data == SecretBytes(b"v")


def test_a_script_advances_by_key_and_store_and_its_last_step_repeats():
    document = {"kms": {"k": {"script": [{"fail": {"status": 500}}, "ok"], "text": "v"}}}
    cloud = reader(document)
    for client in ("env.client", "namespace/a/b"):
        with pytest.raises(BackendError):
            cloud.read(read("k", client=client))
        assert [cloud.read(read("k", client=client)).data for _ in range(2)] == [SecretBytes(b"v")] * 2


def test_a_store_with_its_own_section_sees_nothing_else_of_that_service():
    cloud = reader({"kms": {"a": "1"}, "oos": {"p": "2"}, "stores": {"team/db": {"kms": {"b": "3"}}}})
    mine = {"client": "namespace/team/db#kms.cn-hangzhou.aliyuncs.com"}
    assert cloud.read(read("b", **mine)).data == SecretBytes(b"3")
    assert cloud.read(read("p", OOS, **mine)).data == SecretBytes(b"2")
    with pytest.raises(BackendError):
        cloud.read(read("a", **mine))


@pytest.mark.parametrize(
    ("name", "store"),
    [
        ("env.client", "env"),
        ("env.client#kms.x.aliyuncs.com", "env"),
        ("namespace/a/b", "a/b"),
        ("cluster/c#h", "cluster/c"),
    ],
)
def test_a_client_is_found_under_the_name_of_its_store(name, store):
    assert store_name(ClientPlan(name, KMS)) == store


def test_identity_gaps_are_ignored_and_stale_clients_are_not():
    refusal = Refusal(ErrorClass.NO_CREDENTIALS, "no tier")
    request = SecretRequest(KMS, "k")
    cloud = reader({"kms": {"k": "v"}})
    assert cloud.read(SecretRead(ClientPlan("env.client", KMS, refusal=refusal), request)).has_body
    with pytest.raises(StaleClientError):
        cloud.read(SecretRead(ClientPlan("env.client", KMS, stale=True), request))


def test_versions_are_those_asked_for():
    versions = [{"id": "a", "stages": ["ACSCurrent"], "text": "1"}, {"id": "b", "stages": ["x"], "text": "2"}]
    cloud = reader({"kms": {"k": {"versions": versions}, "plain": "p"}, "oos": {"k": {"versions": versions}}})
    answer = cloud.read(read("k", version_stage="x"))
    assert (answer.data, answer.version_id, answer.version_stages) == (SecretBytes(b"2"), "b", ("x",))
    assert cloud.read(read("plain", version_id="v7")).version_id == "v7"
    assert cloud.read(read("k", OOS, version_id="b")).data == SecretBytes(b"1")
    with pytest.raises(BackendError):
        cloud.read(read("k", version_id="a", version_stage="x"))


@pytest.mark.parametrize("fault", ["truncate", "html", "notJson", "wrongShape", "reset", "huge", "redirect"])
def test_defective_replies_are_errors(fault):
    with pytest.raises(BackendError):
        reader({"kms": {"k": {"fault": fault}}}).read(read("k"))


def test_an_empty_reply_has_no_body_and_a_slow_one_its_value():
    cloud = reader({"kms": {"e": {"fault": "empty"}, "s": {"fault": "slow", "text": "v"}, "m": {"missingBody": True}}})
    assert not cloud.read(read("e")).has_body
    assert not cloud.read(read("m")).has_body
    assert cloud.read(read("s")).data == SecretBytes(b"v")
