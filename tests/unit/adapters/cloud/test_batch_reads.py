"""Several secrets in one call, and what happens where that call does not exist."""

import pytest

from kubectl_asm.model.backend import BackendError, Provider
from kubectl_asm.ports import BatchUnsupportedError
from tests.unit.emulator.worlds import cloud, plan, read, running

KMS, OOS = Provider.KMS, Provider.OOS


@pytest.fixture(scope="module")
def emulator():
    with running() as one:
        yield one


@pytest.fixture
def router(emulator):
    emulator.forget_calls()
    return cloud(emulator)


@pytest.fixture(params=list(Provider))
def provider(request):
    return request.param


def test_one_call_answers_for_all(emulator, router, provider):
    emulator.set_fixtures({provider: {"a": "1", "b": "2"}})
    outcomes = router.read_batch(plan(provider), [read(key, provider) for key in ("b", "a", "zz")])
    assert [outcome.data.reveal() for outcome in outcomes[:2]] == [b"2", b"1"]
    assert outcomes[2].status == 404
    assert len(emulator.calls) == 1


def test_versions_and_binary_marks_survive_a_batch(emulator, router):
    versions = [{"id": "v1", "stages": ["old"], "text": "1"}, {"id": "v2", "stages": ["ACSCurrent"], "text": "2"}]
    emulator.set_fixtures({"kms": {"v": {"versions": versions}, "b": {"binary": "aGk="}}})
    first, second = router.read_batch(plan(), [read("v", version_stage="old"), read("b")])
    assert (first.data.reveal(), first.version_id, first.version_stages) == (b"1", "v1", ("old",))
    assert second.is_binary


def test_a_secret_named_by_its_arn_finds_its_answer(emulator, router):
    emulator.set_fixtures({"kms": {"db": "1", "x": "2"}})
    arn = "acs:kms:cn-hangzhou:1000000000000001:secret/db"
    outcomes = router.read_batch(plan(), [read(arn), read("x")])
    assert [outcome.data.reveal() for outcome in outcomes] == [b"1", b"2"]


def test_what_the_batch_answer_does_not_mention_is_read_alone(emulator, router, provider):
    emulator.set_fixtures({provider: {"a": "1", "quiet": {"script": [{"missingBody": True}, "ok"], "text": "2"}}})
    outcomes = router.read_batch(plan(provider), [read("a", provider), read("quiet", provider)])
    assert outcomes[1].data.reveal() == b"2"
    assert len(emulator.calls) == 2


@pytest.mark.parametrize("code", ["InvalidApi.NotFound", "UnsupportedOperation", "NoPermission"])
def test_a_refused_batch_call_is_remembered(emulator, router, code, monkeypatch):
    status = 403 if code == "NoPermission" else 400
    emulator.set_fixtures({"oos": {"a": {"fail": {"code": code, "status": status}}}})
    for _ in range(2):
        with pytest.raises(BatchUnsupportedError):
            router.read_batch(plan(OOS), [read("a", OOS)])
    assert len(emulator.calls) == 1


def test_a_dedicated_gateway_of_today_that_lacks_the_call_is_remembered_too(emulator, router, monkeypatch):
    from kubectl_asm.emulator import kms

    monkeypatch.setattr(kms, "_DEDICATED_ACTIONS", frozenset({"GetSecretValue"}))
    emulator.set_fixtures({"kms": {"a": "1"}})
    dedicated = plan(endpoint="kst-1.cryptoservice.kms.aliyuncs.com")
    for _ in range(2):
        with pytest.raises(BatchUnsupportedError):
            router.read_batch(dedicated, [read("a", client=dedicated)])
    assert [call.status for call in emulator.calls] == [404]
    assert router.read(read("a", client=dedicated)).data.reveal() == b"1"


def test_a_batch_call_that_fails_for_a_moment_is_an_error_and_not_remembered(emulator, router):
    emulator.set_fixtures(
        {"oos": {"a": {"script": [{"fail": {"status": 503, "code": "ServiceUnavailable"}}, "ok"], "text": "1"}}}
    )
    with pytest.raises(BackendError):
        router.read_batch(plan(OOS), [read("a", OOS)])
    assert router.read_batch(plan(OOS), [read("a", OOS)])[0].data.reveal() == b"1"


def test_a_misshapen_batch_answer_is_an_error(emulator, router, provider):
    emulator.set_fixtures({provider: {"a": {"fault": "wrongShape"}, "b": "1"}})
    with pytest.raises(BackendError):
        router.read_batch(plan(provider), [read("a", provider), read("b", provider)])


def test_an_empty_batch_answer_is_an_error(emulator, router, provider):
    emulator.set_fixtures({provider: {"a": {"fault": "empty"}, "b": "1"}})
    with pytest.raises(BackendError):
        router.read_batch(plan(provider), [read("a", provider), read("b", provider)])
