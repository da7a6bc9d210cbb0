"""Sources of a developer's machine: which profile, which mode, what is missing, and that no message repeats a value."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from kubectl_asm.adapters.cloud.transport import Transport, TransportOptions
from kubectl_asm.adapters.credentials.local import Profile, check_uri, decode_profile, uri_credentials
from kubectl_asm.adapters.credentials.sts import StsClient
from kubectl_asm.adapters.system import SystemRandom, utc_now
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import BackendError
from kubectl_asm.wiring.identity import CredentialChoice, check_source
from tests.unit.emulator.worlds import CLOCK, running, transport_options

FILE = "~/.aliyun/config.json"
SECRET = "canary-profile-secret"
KEY = {"access_key_id": "LTAIone", "access_key_secret": SECRET}


def profile(name: str = "", **fields: object) -> Profile:
    document = {"current": "main", "profiles": [{"name": "other", "mode": "AK"}, {"name": "main", **KEY, **fields}]}
    return decode_profile(json.dumps(document).encode(), name, FILE)


def test_without_a_name_the_current_profile_is_taken() -> None:
    found = profile(mode="AK")
    assert (found.name, found.mode, found.base.token) == ("main", "AK", None)
    assert found.base.key_id.reveal_text() == "LTAIone"


def test_a_session_token_belongs_to_the_mode_that_has_one() -> None:
    assert profile(mode="AK", sts_token="left over").base.token is None
    token = profile(mode="StsToken", sts_token="t").base.token
    assert token is not None
    assert token.reveal_text() == "t"


def test_a_role_has_the_session_and_length_of_the_profile_or_defaults() -> None:
    role = profile(mode="RamRoleArn", ram_role_arn="acs:ram::1:role/r", ram_session_name="me", expired_seconds=1800).role
    assert role is not None
    assert (role.role_arn, role.session_name, role.duration_s) == ("acs:ram::1:role/r", "me", 1800)
    plain = profile(mode="RamRoleArn", ram_role_arn="acs:ram::1:role/r", expired_seconds=0).role
    assert plain is not None
    assert (plain.session_name, plain.duration_s) == ("kubectl-asm", None)


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("nobody", {"mode": "AK"}, 'no profile "nobody"'),
        ("other", {"mode": "AK"}, "access_key_id is missing"),
        ("main", {"mode": "StsToken"}, "sts_token is missing"),
        ("main", {"mode": "RamRoleArn"}, "ram_role_arn is missing"),
        ("main", {"mode": "EcsRamRole"}, "mode EcsRamRole is not supported"),
        ("main", {"mode": f"{SECRET} x"}, "mode of an unknown kind is not supported"),
        ("main", {"mode": 7, "access_key_id": 7}, "access_key_id is missing"),
    ],
)
def test_an_unusable_profile_is_named_with_what_is_missing(name: str, fields: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        profile(name, **fields)
    assert words in str(caught.value)
    assert SECRET not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    ("mode", "instead"),
    [
        ("EcsRamRole", "--credentials=metadata"),
        ("CredentialsURI", "--credentials=uri with ALIBABA_CLOUD_CREDENTIALS_URI"),
        ("OIDC", "--controller-service-account"),
        ("ChainableRamRoleArn", "`aliyun configure`"),
        ("CloudSSO", "`aliyun configure`"),
    ],
)
def test_a_mode_that_is_not_supported_is_refused_with_those_that_are(mode: str, instead: str) -> None:
    with pytest.raises(UsageError) as caught:
        profile(mode=mode)
    assert f"mode {mode} is not supported" in str(caught.value)
    assert str(caught.value.hint).startswith("supported are AK, StsToken, RamRoleArn; ")
    assert str(caught.value.hint).endswith(instead)


@pytest.mark.parametrize("text", [b"", b"[]", b'{"profiles": 1}', b"{" * 100_000, b"\xff", SECRET.encode()])
def test_a_file_of_another_kind_is_refused_without_quoting_it(text: bytes) -> None:
    with pytest.raises(UsageError, match="not a profile file") as caught:
        decode_profile(text, "", FILE)
    assert SECRET not in str(caught.value)


def test_a_profile_with_a_role_assumes_it_once_and_keeps_the_session() -> None:
    with running({"kms": {"k": "v"}}) as emulator:
        transport = Transport(transport_options(emulator), CLOCK)
        sts = StsClient(transport, "sts.aliyuncs.com", utc_now, SystemRandom())
        keys = {"access_key_id": "emulator", "access_key_secret": "emulator"}
        found = profile(mode="RamRoleArn", ram_role_arn="acs:ram::1:role/near", **keys).provider(sts, utc_now, SystemRandom())
        assert found.credentials().key_id.reveal_text() == "STS.near"
        assert found.credentials() is found.credentials()
        transport.close()


@pytest.mark.parametrize(
    ("uri", "words"), [("", "is not set"), ("file:///etc/passwd", "not an http"), ("http://a b", "not an http")]
)
def test_a_credentials_uri_is_an_http_address(uri: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_uri(uri)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/credentials?token={SECRET}"
        finally:
            server.shutdown()
            thread.join()


ANSWER = {
    "Code": "Success",
    "AccessKeyId": "STS.u",
    "AccessKeySecret": "s",
    "SecurityToken": "t",
    "Expiration": "2099-01-01T00:00:00Z",
}


def test_the_service_of_a_credentials_uri_gives_session_credentials() -> None:
    with answering(200, json.dumps(ANSWER).encode()) as uri:
        transport = Transport(TransportOptions(), CLOCK)
        assert uri_credentials(transport, uri, utc_now, SystemRandom()).credentials().key_id.reveal_text() == "STS.u"
        transport.close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {**ANSWER, "Code": SECRET}),
        (200, {**ANSWER, "SecurityToken": ""}),
        (403, {"Code": "Denied", "Message": SECRET}),
        (302, {}),
        (200, [SECRET]),
    ],
)
def test_what_a_credentials_uri_answers_instead_is_no_part_of_the_message(status: int, body: object) -> None:
    with answering(status, json.dumps(body).encode()) as uri:
        transport = Transport(TransportOptions(), CLOCK)
        with pytest.raises(BackendError) as caught:
            uri_credentials(transport, uri, utc_now, SystemRandom()).credentials()
        assert SECRET not in str(caught.value)
        assert caught.value.error_class == "credentials"
        transport.close()


@pytest.mark.parametrize("source", ["env", "profile", "profile:dev", "uri", "metadata"])
def test_the_words_of_the_option_are_taken(source: str) -> None:
    assert check_source(source) == source


@pytest.mark.parametrize("source", ["", "profile:", "env:x", "vault", "metadata:role"])
def test_other_words_are_a_usage_error_that_lists_the_right_ones(source: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_source(source)
    assert caught.value.hint is not None
    assert "profile:NAME" in caught.value.hint


def test_a_local_source_hides_the_variables_of_the_controller() -> None:
    upstream = {"ACCESS_KEY_ID": "a", "ALICLOUD_REMOTE_ROLE_ARN": "r"}
    assert CredentialChoice().environment(upstream) == upstream
    assert CredentialChoice("uri").environment(upstream) == {"--credentials": "uri"}
