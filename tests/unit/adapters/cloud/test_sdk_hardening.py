"""The official SDK on our transport: every vendor error mapped, nothing leaked, no connection of its own."""

import inspect
import io
import logging
import subprocess
import sys
import threading
import traceback

import pytest
from alibabacloud_tea_openapi import exceptions as openapi_exceptions
from darabonba import exceptions as dara_exceptions
from darabonba.core import DaraCore
from Tea import exceptions as tea_exceptions

from kubectl_asm.adapters.cloud import sdk
from kubectl_asm.adapters.cloud.failures import VENDOR_ERRORS, AnswerError, backend_error, secret_of, service_error
from kubectl_asm.adapters.cloud.network import TransportError
from kubectl_asm.adapters.credentials.base import Credentials, credentials_error
from kubectl_asm.errors import BugError
from kubectl_asm.model.backend import BackendError, ErrorClass, Network
from kubectl_asm.model.sensitive import SecretBytes
from tests.unit.emulator.worlds import cloud, read, running

CANARY = "canary-7f3a91"


def vendor_classes() -> dict[str, type]:
    modules = (tea_exceptions, dara_exceptions, openapi_exceptions)
    found = (item for module in modules for item in vars(module).values() if inspect.isclass(item))
    return {item.__name__: item for item in found if issubclass(item, Exception)}


def test_every_exception_class_of_the_vendor_is_mapped():
    assert set(vendor_classes()) - set(VENDOR_ERRORS) == set()


class Holder:
    """A credential provider whose parts are canaries."""

    def credentials(self) -> Credentials:
        key_id, secret, token = (SecretBytes.of_text(f"{CANARY}-{part}") for part in ("id", "secret", "token"))
        return Credentials(key_id, secret, token)


@pytest.fixture(scope="module")
def emulator():
    faults = ("truncate", "html", "empty", "notJson", "wrongShape", "reset", "huge", "redirect")
    document = {fault: {"fault": fault, "text": CANARY * 40} for fault in faults}
    document |= {
        "refused": {"fail": {"code": "Forbidden.NoPermission", "status": 403, "message": CANARY}},
        "fine": CANARY,
        "bad-code": {"fail": {"code": f"{CANARY} is no code", "status": 400, "message": CANARY}},
    }
    with running({"kms": document}) as one:
        yield one


@pytest.mark.parametrize(
    "key", ["truncate", "html", "notJson", "wrongShape", "reset", "huge", "redirect", "refused", "bad-code", "none"]
)
def test_no_failure_shows_a_value_a_message_of_the_service_or_the_request(emulator, key, capfd, caplog):
    with pytest.raises(BackendError) as caught:
        cloud(emulator).read(read(key))
    error = caught.value
    text = "".join(traceback.format_exception(error)) + repr(error) + str(error) + repr(vars(error))
    printed = capfd.readouterr()
    for part in (text, printed.out, printed.err, caplog.text):
        assert CANARY not in part
        assert "Signature" not in part
        assert "SecretName" not in part
    assert error.__context__ is None
    assert error.__cause__ is None


def test_wrong_credentials_do_not_show_in_the_error(emulator):
    with pytest.raises(BackendError) as caught:
        cloud(emulator, Holder()).read(read("fine"))
    assert caught.value.code == "InvalidAccessKeyId.NotFound"
    assert CANARY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"


def test_the_debug_switch_of_the_sdk_prints_nothing(emulator, monkeypatch, capfd):
    monkeypatch.setenv("DEBUG", "sdk")
    cloud(emulator).read(read("fine"))
    with pytest.raises(BackendError):
        cloud(emulator).read(read("refused"))
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def test_the_loggers_of_the_sdk_stay_silent_whatever_the_root_logger_does():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        for name in ("darabonba-core", "alibabacloud-tea", "credentials"):
            logging.getLogger(name).critical(CANARY)
    finally:
        logging.getLogger().removeHandler(handler)
    assert stream.getvalue() == ""


def test_proxies_of_the_environment_are_not_the_sdks_business(emulator, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert cloud(emulator).read(read("fine")).data == SecretBytes.of_text(CANARY)


def test_the_sdk_does_not_repeat_a_call(emulator):
    emulator.forget_calls()
    with pytest.raises(BackendError):
        cloud(emulator).read(read("refused"))
    assert len(emulator.calls) == 1


def test_a_call_that_went_around_our_transport_is_a_bug_and_not_a_result(emulator):
    channel = cloud(emulator)._client(read("fine").client)._channel
    with pytest.raises(BugError, match="outside the hardened transport"):
        channel.call(lambda: "an answer from somewhere else")


def test_no_session_of_the_sdks_own_making_is_used(emulator):
    before = set(DaraCore._sessions)
    router = cloud(emulator)
    router.read(read("fine"))
    mine = [session for key, session in DaraCore._sessions.items() if key not in before]
    assert [type(session).__name__ for session in mine] == ["_Session"]


def test_sessions_go_with_their_clients(emulator):
    router = cloud(emulator)
    router.read(read("fine"))
    count = len(DaraCore._sessions)
    del router
    assert len(DaraCore._sessions) == count - 1


def test_many_threads_share_a_client_and_their_credentials_do_not_mix(emulator):
    router, failures = cloud(emulator), []

    def work() -> None:
        try:
            for _ in range(10):
                router.read(read("fine"))
        except BackendError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert failures == []


def test_causes_of_ours_inside_a_vendor_error_decide():
    def wrapped(cause: Exception) -> Exception:
        outer = dara_exceptions.RetryError("text with a url")
        outer.__context__ = cause
        return tea_exceptions.UnretryableException(None, outer)

    assert backend_error(wrapped(TransportError(Network.TIMEOUT, "h: late"))).network is Network.TIMEOUT
    assert backend_error(wrapped(AnswerError("not JSON", status=502))).status == 502
    own = credentials_error("no token")
    assert backend_error(wrapped(own)) is own
    unknown = backend_error(wrapped(KeyError(CANARY)))
    assert CANARY not in str(unknown)
    assert not unknown.is_transient


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (tea_exceptions.TeaException({"code": "A.B", "message": CANARY, "data": {"statusCode": 409}}), "A.B, HTTP 409"),
        (tea_exceptions.RequiredArgumentException("endpoint"), "the SDK failed with RequiredArgumentException"),
        (dara_exceptions.DaraException({"code": "None", "message": CANARY}), "unknown failure"),
        (openapi_exceptions.ThrottlingException(status_code=429, code="Throttling", retry_after=1500), "Throttling, HTTP 429"),
    ],
)
def test_single_vendor_errors(error, text):
    failure = backend_error(error)
    assert str(failure) == text
    assert failure.retry_after_s == (1.5 if "Throttling" in text else None)


@pytest.mark.parametrize("code", ["<html>", "x" * 200, "a b", "", None, 7, "None", "line\nbreak"])
def test_text_that_is_no_code_is_dropped(code):
    assert service_error(code, 400, "not an id!").code == ""
    assert service_error(code, "400", "not an id!").request_id == ""


def test_a_lone_surrogate_becomes_the_replacement_character():
    assert secret_of("a\ud800b").reveal() == "a\ufffdb".encode()
    assert secret_of("\udc80").reveal() == "\ufffd".encode()
    with pytest.raises(BackendError):
        secret_of(5)


def test_errors_of_credentials_keep_their_class():
    cause = BackendError(code="InternalError", status=500)
    error = credentials_error("assuming the role x failed", cause=cause)
    assert (error.error_class, error.is_transient, error.code) == (ErrorClass.CREDENTIALS, True, "InternalError")


def test_decorators_and_fixtures_load_without_the_sdk():
    program = (
        "import sys, kubectl_asm.adapters.decorate, kubectl_asm.adapters.cloud.fixtures, kubectl_asm.adapters.cloud.router\n"
        "heavy = {'Tea', 'darabonba', 'aiohttp', 'requests', 'alibabacloud_tea_openapi', 'kubernetes'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


def test_the_module_silences_again_when_asked():
    logging.getLogger("darabonba-core").disabled = False
    sdk.silence_loggers()
    assert logging.getLogger("darabonba-core").disabled
