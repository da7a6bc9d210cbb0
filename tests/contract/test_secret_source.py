"""One contract for every SecretReader: a fixtures file read in memory, and the official SDK over HTTPS against the emulator
that holds the same file. What a command learns offline is what it would learn online."""

import base64
from typing import Any

import pytest

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader
from kubectl_asm.adapters.cloud.values import decode_fixtures
from kubectl_asm.adapters.decorate import BatchingSource, Retry, SequentialSource
from kubectl_asm.adapters.system import SystemRandom
from kubectl_asm.model.backend import BackendError, Network, Provider, SecretAnswer
from tests.unit.emulator.worlds import CLOCK, cloud, plan, read, running

KMS, OOS = Provider.KMS, Provider.OOS
BINARY = base64.b64encode(bytes(range(256))).decode()

DOCUMENT: dict[str, Any] = {
    "kms": {
        "text": "s3cr3t",
        "trailing": "line\n",
        "empty": "",
        "unicode": "zażółć 😀 \u2028 \0 end",
        "json": '{"name":"tom","age":"14"}',
        "team/db password+*~(ü)": "odd name",
        "binary": {"binary": BINARY},
        "no-data": {"missingData": True},
        "no-body": {"missingBody": True},
        "versions": {
            "versions": [
                {"id": "v1", "stages": ["ACSPrevious"], "text": "old"},
                {"id": "v2", "stages": ["ACSCurrent", "blue"], "text": "new"},
            ]
        },
        "denied": {"fail": {"code": "Forbidden.NoPermission", "status": 403, "message": "no"}},
        "throttled": {"fail": {"code": "Rejected.Throttling", "status": 429}},
        "gateway-throttled": {"fail": {"code": "Throttling.User", "status": 400}},
        "delayed": {"fail": {"code": "Throttling.Api", "status": 429, "retryAfter": 7}},
        "broken": {"fail": {"code": "UnknownError", "status": 502}},
        "nameless": {"fail": {"status": 503}},
        "recovers": {"script": [{"fail": {"code": "InternalFailure", "status": 500}}, "ok"], "text": "late"},
        "reset": {"fail": {"network": "reset"}},
        "html": {"fault": "html"},
        "cut": {"fault": "truncate", "text": "v" * 500},
        "odd": {"fault": "notJson"},
        "misshapen": {"fault": "wrongShape"},
        "empty-reply": {"fault": "empty"},
        "redirect": {"fault": "redirect"},
        "huge": {"fault": "huge"},
    },
    "oos": {
        "param": "value",
        "group/param": "in a group",
        "no-data": {"missingData": True},
        "no-body": {"missingBody": True},
        "denied": {"fail": {"code": "NoPermission", "status": 403}},
        "busy": {"fail": {"code": "Throttling", "status": 400}},
        "misshapen": {"fault": "wrongShape"},
    },
}


@pytest.fixture(scope="module")
def emulator():
    with running(DOCUMENT) as running_emulator:
        yield running_emulator


@pytest.fixture(params=["fixtures", "sdk"])
def reader(request, emulator):
    if request.param == "fixtures":
        fixtures, problems = decode_fixtures(DOCUMENT)
        assert not problems
        return FixtureSecretReader(fixtures)
    emulator.set_fixtures(DOCUMENT)  # scripts start again
    return cloud(emulator)


@pytest.mark.parametrize("key", ["text", "trailing", "empty", "unicode", "json", "team/db password+*~(ü)"])
def test_a_text_secret_arrives_byte_for_byte(reader, key):
    answer = reader.read(read(key))
    assert answer.data.reveal() == DOCUMENT["kms"][key].encode()
    assert not answer.is_binary
    assert (answer.version_id, answer.version_stages) == ("v1", ("ACSCurrent",))


def test_a_binary_secret_is_marked_and_undecoded(reader):
    answer = reader.read(read("binary"))
    assert (answer.is_binary, answer.data.reveal()) == (True, BINARY.encode())


@pytest.mark.parametrize("provider", list(Provider))
def test_a_reply_without_data_and_a_reply_without_body_are_told_apart(reader, provider):
    without_data = reader.read(read("no-data", provider))
    assert (without_data.data, without_data.has_body) == (None, True)
    assert reader.read(read("no-body", provider)) == SecretAnswer(has_body=False)


@pytest.mark.parametrize(
    ("request_fields", "value"),
    [
        ({}, "new"),
        ({"version_id": "v1"}, "old"),
        ({"version_stage": "blue"}, "new"),
        ({"version_id": "v2", "version_stage": "blue"}, "new"),
    ],
)
def test_a_version_is_chosen_by_id_and_stage(reader, request_fields, value):
    answer = reader.read(read("versions", **request_fields))
    assert answer.data.reveal_text() == value
    assert answer.version_id == ("v2" if value == "new" else "v1")


def test_a_version_that_does_not_exist_answers_404(reader):
    with pytest.raises(BackendError) as caught:
        reader.read(read("versions", version_id="v1", version_stage="blue"))
    assert (caught.value.code, caught.value.status) == ("Forbidden.ResourceNotFound", 404)


@pytest.mark.parametrize("provider", list(Provider))
def test_an_unknown_key_answers_404_and_is_final(reader, provider):
    with pytest.raises(BackendError) as caught:
        reader.read(read("nobody", provider))
    assert caught.value.status == 404
    assert not caught.value.is_transient


@pytest.mark.parametrize(
    ("provider", "key", "code", "status", "is_transient"),
    [
        (KMS, "denied", "Forbidden.NoPermission", 403, False),
        (KMS, "throttled", "Rejected.Throttling", 429, True),
        (KMS, "gateway-throttled", "Throttling.User", 400, True),
        (KMS, "broken", "UnknownError", 502, True),
        (KMS, "nameless", "", 503, True),
        (KMS, "html", "", 502, True),
        (KMS, "odd", "", 200, False),
        (KMS, "misshapen", "", 200, False),
        (KMS, "redirect", "", 302, False),
        (OOS, "denied", "NoPermission", 403, False),
        (OOS, "busy", "Throttling", 400, True),
        (OOS, "misshapen", "", 200, False),
    ],
)
def test_a_refusal_keeps_its_code_and_status(reader, provider, key, code, status, is_transient):
    with pytest.raises(BackendError) as caught:
        reader.read(read(key, provider))
    error = caught.value
    assert (error.code, error.status, error.network, error.is_transient) == (code, status, None, is_transient)


def test_a_delay_stated_by_the_server_arrives_in_seconds(reader):
    with pytest.raises(BackendError) as caught:
        reader.read(read("delayed"))
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize("key", ["reset", "cut"])
def test_a_cut_connection_is_transient(reader, key):
    with pytest.raises(BackendError) as caught:
        reader.read(read(key))
    assert caught.value.network is Network.RESET
    assert caught.value.is_transient


def test_an_empty_reply_has_no_body(reader):
    assert not reader.read(read("empty-reply")).has_body


def test_an_oversized_reply_is_refused(reader):
    with pytest.raises(BackendError, match="larger than this client reads"):
        reader.read(read("huge"))


def test_a_script_goes_on_with_every_call(reader):
    with pytest.raises(BackendError):
        reader.read(read("recovers"))
    assert reader.read(read("recovers")).data.reveal() == b"late"


def test_a_parameter_ignores_versions_and_has_no_binary_form(reader):
    answer = reader.read(read("group/param", OOS, version_id="v9", version_stage="x"))
    assert (answer.data.reveal(), answer.is_binary, answer.version_id) == (b"in a group", False, "1")


def test_a_source_over_the_reader_answers_in_order(reader):
    outcomes = SequentialSource(reader).fetch_many([read("text"), read("denied"), read("param", OOS)])
    assert [getattr(outcome, "code", None) for outcome in outcomes] == [None, "Forbidden.NoPermission", None]


def test_batched_and_single_reads_come_to_the_same(emulator):
    emulator.set_fixtures(DOCUMENT)
    router = cloud(emulator)
    keys = [(KMS, key) for key in ("text", "binary", "no-data", "versions", "denied", "nobody")]
    keys += [(OOS, key) for key in ("param", "group/param", "no-data", "nobody")]
    reads = [read(key, provider) for provider, key in keys]
    batched = BatchingSource(router, Retry(CLOCK, SystemRandom())).fetch_many(reads)
    single = SequentialSource(router).fetch_many(reads)
    assert [_plain(outcome) for outcome in batched] == [_plain(outcome) for outcome in single]


def _plain(outcome) -> Any:
    if isinstance(outcome, BackendError):
        return outcome.code, outcome.status, outcome.network
    return outcome


def test_an_error_of_either_reader_prints_without_the_value(reader):
    for key in ("denied", "html", "cut", "odd", "misshapen", "huge", "nobody"):
        with pytest.raises(BackendError) as caught:
            reader.read(read(key))
        assert "vvvv" not in f"{caught.value} {caught.value!r}"


def test_the_plan_of_another_endpoint_reaches_that_host(emulator):
    emulator.set_fixtures({"kms": {"k": "v"}})
    emulator.forget_calls()
    other = plan(endpoint="kst-abc123.cryptoservice.kms.aliyuncs.com", name="env.client#kst")
    assert cloud(emulator).read(read("k", client=other)).data.reveal() == b"v"
    assert emulator.calls[-1].host == "kst-abc123.cryptoservice.kms.aliyuncs.com"
