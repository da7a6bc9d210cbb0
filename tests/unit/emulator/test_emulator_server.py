"""The emulator as a server: addresses, TLS, files, the record, throttling, faults on the wire, and its end."""

import contextlib
import json
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509

from kubectl_asm.adapters.cloud.transport import Transport
from kubectl_asm.emulator.options import EmulatorOptions
from kubectl_asm.emulator.server import Emulator, serve
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.model.backend import BackendError, Network, Provider
from tests.unit.emulator.worlds import CLOCK, KMS_HOST, cloud, plan, read, real_world, running, transport_options

CANARY = "canary-51c2"


def raw(emulator, data: bytes) -> bytes:
    """Send bytes over plain TCP and read until the end."""
    with socket.create_connection((emulator.host, emulator.port), timeout=5) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_the_ready_file_says_where_to_connect_and_what_to_trust(tmp_path):
    ready = tmp_path / "ready.json"
    with running(ready_file=ready, ca_out=tmp_path / "ca.pem") as emulator:
        document = json.loads(ready.read_text())
        assert document == emulator.ready()
        assert (document["port"], document["caFile"]) == (emulator.port, str(tmp_path / "ca.pem"))
        assert document["address"] == f"127.0.0.1:{emulator.port}"
        certificate = x509.load_pem_x509_certificate(Path(document["caFile"]).read_bytes())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    assert "aliyuncs.com" in [name.value for name in constraints.permitted_subtrees or [] if isinstance(name, x509.DNSName)]


def test_only_loopback_is_listened_on_unless_allowed():
    with pytest.raises(UsageError, match=r"does not listen on 0\.0\.0\.0"):
        Emulator(EmulatorOptions(host="0.0.0.0"), real_world())


def test_a_port_in_use_is_a_usage_error():
    with running() as first, pytest.raises(UsageError, match="cannot listen"), running(port=first.port):
        pass


@pytest.mark.parametrize(
    "host", [KMS_HOST, "kms.cn-beijing.aliyuncs.com", "kst-x1.cryptoservice.kms.aliyuncs.com", "localhost", "127.0.0.1"]
)
def test_every_production_name_has_a_certificate(host):
    with running() as emulator:
        context = ssl.create_default_context(cafile=str(emulator.ca_file))
        with (
            socket.create_connection((emulator.host, emulator.port)) as plain,
            context.wrap_socket(plain, server_hostname=host) as tls,
        ):
            names = tls.getpeercert()["subjectAltName"]
    assert host in [value for _, value in names]


@pytest.mark.parametrize("host", ["example.com", "aliyuncs.com.evil.example"])
def test_other_names_have_none(host):
    with running() as emulator:
        context = ssl.create_default_context(cafile=str(emulator.ca_file))
        with (
            socket.create_connection((emulator.host, emulator.port)) as plain,
            pytest.raises((ssl.SSLError, ValueError, OSError)),
        ):
            context.wrap_socket(plain, server_hostname=host)


def test_plain_http_to_a_signed_service_is_refused_unless_asked_for():
    request = b"POST /?SecretName=x HTTP/1.1\r\nHost: kms\r\nx-acs-version: 2016-01-20\r\n\r\n"
    with running() as emulator:
        assert b" 400 " in raw(emulator, request)
        assert b"over TLS only" in raw(emulator, request)
    with running(plain_http=True) as emulator:
        assert b"IncompleteSignature" in raw(emulator, request)


def test_a_secret_that_changes_in_the_file_is_the_next_answer(tmp_path):
    file = tmp_path / "fixtures.yaml"
    file.write_text("kms: {k: one, f: {file: value.txt}}\n")
    (tmp_path / "value.txt").write_text("from a file")
    notes: list[str] = []
    with Emulator(EmulatorOptions(fixtures=file), real_world(), notes.append) as emulator:
        router = cloud(emulator)
        assert router.read(read("k")).data.reveal() == b"one"
        assert router.read(read("f")).data.reveal() == b"from a file"
        file.write_text("kms: {k: another}\n")
        assert router.read(read("k")).data.reveal() == b"another"
        for broken in (f"kms: {{k: [{CANARY}]}}\n", f"kms: {{k: {CANARY}, other: 'x\n", f"kms: !{CANARY} {{}}\n"):
            file.write_text(broken)
            assert router.read(read("k")).data.reveal() == b"another"
    assert len(notes) == 3
    assert all("kept the former content" in note and CANARY not in note for note in notes)


def test_fixtures_that_do_not_decode_stop_the_start(tmp_path):
    file = tmp_path / "fixtures.yaml"
    file.write_text("kms: {k: 5}\n")
    with pytest.raises(InputError, match=r"kms\.k"):
        Emulator(EmulatorOptions(fixtures=file), real_world())


def test_the_record_names_calls_and_holds_no_value(tmp_path):
    record = tmp_path / "record.jsonl"
    with running({"kms": {"k": CANARY}, "oos": {"p": CANARY}}, record=record) as emulator:
        router = cloud(emulator)
        router.read(read("k", version_stage="ACSCurrent"))
        router.read(read("p", Provider.OOS))
        with pytest.raises(BackendError):
            router.read(read("none"))
        router.read_batch(plan(), [read("k"), read("x")])
    text = record.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [
        (line["service"], line["action"], line["key"], line["principal"], line["status"], line["code"]) for line in lines
    ] == [
        ("kms", "GetSecretValue", "k", "emulator", 200, ""),
        ("oos", "GetSecretParameter", "p", "emulator", 200, ""),
        ("kms", "GetSecretValue", "none", "emulator", 404, "Forbidden.ResourceNotFound"),
        ("kms", "BatchGetSecretValue", "k,x", "emulator", 200, ""),
    ]
    assert lines[0]["params"] == {"SecretName": "k", "VersionStage": "ACSCurrent"}
    assert CANARY not in text


def test_calls_above_the_rate_are_throttled_in_the_services_own_words():
    with running({"kms": {"k": "v"}, "oos": {"k": "v"}}, rates={"kms": 0, "oos": 0}) as emulator:
        router = cloud(emulator)
        for provider, code in ((Provider.KMS, "Rejected.Throttling"), (Provider.OOS, "Throttling.User")):
            with pytest.raises(BackendError) as caught:
                router.read(read("k", provider))
            assert (caught.value.code, caught.value.is_transient) == (code, True)


def test_latency_and_slow_answers_take_their_time():
    with running({"kms": {"k": "v", "s": {"fault": "slow", "seconds": 0.05, "text": "v"}}}, latency_s=0.05) as emulator:
        router = cloud(emulator)
        router.read(read("k"))
        for key, least in (("k", 0.05), ("s", 0.1)):
            start = CLOCK.monotonic()
            router.read(read(key))
            assert CLOCK.monotonic() - start >= least


def test_a_scripted_timeout_ends_at_the_clients_patience_and_not_at_the_emulators():
    with running({"kms": {"k": {"fail": {"network": "timeout"}}}}) as emulator:
        with pytest.raises(BackendError) as caught:
            cloud(emulator, read_timeout_s=0.1).read(read("k"))
        assert caught.value.network is Network.TIMEOUT


def test_an_operation_that_is_not_served_is_not_found():
    with running() as emulator:
        request = b"GET /?Action=AssumeRoleWithOIDC&Version=2016-01-20 HTTP/1.1\r\nHost: h\r\n\r\n"
        context = ssl.create_default_context(cafile=str(emulator.ca_file))
        with (
            socket.create_connection((emulator.host, emulator.port)) as plain,
            context.wrap_socket(plain, server_hostname=KMS_HOST) as tls,
        ):
            tls.sendall(request)
            assert b"InvalidAction.NotFound" in tls.recv(65536)


@pytest.mark.parametrize("data", [b"", b"\x16", b"\x16\x03\x01garbage", b"GARBAGE\r\n\r\n", b"\0" * 3000, b"GET / HTTP/1.1\r\n"])
def test_garbage_ends_its_connection_and_nothing_else(data):
    with running({"kms": {"k": "v"}}) as emulator:
        with contextlib.suppress(OSError):
            raw(emulator, data)
        assert cloud(emulator).read(read("k")).has_body


def test_a_stop_does_not_wait_for_idle_or_silent_connections():
    with running({"kms": {"k": {"fail": {"network": "timeout"}}}}) as emulator:
        idle = socket.create_connection((emulator.host, emulator.port))
        errors = []
        thread = threading.Thread(target=lambda: errors.append(_error(cloud(emulator))), daemon=True)
        thread.start()
        while not emulator.calls:
            CLOCK.wait(0.005)
        start = CLOCK.monotonic()
    thread.join(3)
    idle.close()
    assert CLOCK.monotonic() - start < 2
    assert len(errors) == 1


def _error(router) -> str:
    with pytest.raises(BackendError) as caught:
        router.read(read("k"))
    return str(caught.value)


def test_serving_ends_when_told_to():
    seen, answers = [], iter([False, False, True])
    serve(EmulatorOptions(), real_world(), lambda emulator: seen.append(emulator.port), lambda: next(answers))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", seen[0]), timeout=1)


def test_no_key_of_the_authority_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with running() as emulator:
        cloud(emulator).read_batch  # noqa: B018  # a client exists
        Transport(transport_options(emulator), CLOCK).exchange("GET", f"https://{KMS_HOST}/latest/meta-data/region-id", {})
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.name for path in files] == ["emulator-ca.pem"]
        assert "PRIVATE" not in files[0].read_text()
        assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []
