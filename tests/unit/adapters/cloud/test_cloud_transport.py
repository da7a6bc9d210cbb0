"""The hardened transport: what it trusts, where it dials, what it refuses, and how it words failures."""

import errno
import socket
import ssl

import pytest
import urllib3.exceptions as u

from kubectl_asm.adapters.cloud.network import TransportError, classify, network_of
from kubectl_asm.adapters.cloud.proxies import ProxySettings
from kubectl_asm.adapters.cloud.transport import DialOverride, Transport, TransportOptions, tls_context
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import Network
from tests.unit.emulator.worlds import CLOCK, KMS_HOST, running, transport_options

REGION_URL = "http://100.100.100.200/latest/meta-data/region-id"
TLS_REGION_URL = f"https://{KMS_HOST}/latest/meta-data/region-id"


@pytest.fixture(scope="module")
def emulator():
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def stranger():
    with running() as another:
        yield another


def transport(emulator, *, ca_file: str = "", **more) -> Transport:
    return Transport(transport_options(emulator, **more), CLOCK, ca_file=ca_file)


def get(one: Transport, url: str = TLS_REGION_URL):
    return one.exchange("GET", url, {})


def test_a_cloud_host_is_dialled_at_the_override_with_host_sni_and_name_check_of_production(emulator):
    assert get(transport(emulator)).body == b"cn-hangzhou"
    assert emulator.calls[-1].host == KMS_HOST


def test_a_certificate_for_another_name_is_refused_while_dialling_elsewhere(emulator):
    with pytest.raises(TransportError) as caught:
        get(transport(emulator), "https://kms.example.com/latest/meta-data/region-id")
    assert caught.value.network is Network.TLS


def test_a_private_ca_is_trusted_alone(emulator, stranger):
    """The same host, in one process, under two CAs: the SDK's own session would accept both after the first success."""
    good = transport(emulator)
    assert get(good).status == 200
    with pytest.raises(TransportError) as caught:
        get(transport(emulator, ca_file=str(stranger.ca_file)))
    assert caught.value.network is Network.TLS
    assert get(good).status == 200


def test_without_its_ca_the_emulator_is_not_trusted(emulator):
    untrusting = Transport(TransportOptions(dial=DialOverride(emulator.host, emulator.port)), CLOCK)
    with pytest.raises(TransportError, match="TLS"):
        get(untrusting)


def test_a_private_ca_holds_no_public_one(emulator):
    assert tls_context(str(emulator.ca_file)).cert_store_stats()["x509_ca"] == 1


def test_the_system_store_is_used_without_a_ca():
    context = tls_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_ca_file_that_is_missing_or_no_certificate_is_a_usage_error(tmp_path):
    (tmp_path / "bad.pem").write_text("nothing")
    for name in ("bad.pem", "none.pem"):
        with pytest.raises(UsageError, match="cannot use the CA file"):
            tls_context(str(tmp_path / name))


def test_a_dedicated_gateway_without_its_ca_says_which_option_to_set(emulator):
    untrusting = Transport(TransportOptions(dial=DialOverride(emulator.host, emulator.port)), CLOCK)
    with pytest.raises(TransportError) as caught:
        get(untrusting, "https://kst-a.cryptoservice.kms.aliyuncs.com/latest/meta-data/region-id")
    assert "--kms-ca-file" in caught.value.hint


def test_plain_http_reaches_the_metadata_service_on_the_same_port(emulator):
    assert get(transport(emulator), REGION_URL).body == b"cn-hangzhou"


def test_a_reply_above_the_bound_is_refused_and_the_next_one_is_sound(emulator):
    small = transport(emulator, max_body_bytes=4)
    for _ in range(2):
        with pytest.raises(TransportError, match="larger"):
            get(small)


def test_a_reply_that_trickles_beyond_the_total_time_is_a_timeout():
    class Rushing:
        now = 0.0

        def monotonic(self) -> float:
            self.now += 40.0
            return self.now

        def wait(self, seconds: float) -> bool:
            return True

    with running() as emulator, pytest.raises(TransportError) as caught:
        get(Transport(transport_options(emulator), Rushing()))
    assert caught.value.network is Network.TIMEOUT


def test_a_silent_server_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = TransportOptions(dial=DialOverride(*listener.getsockname()), read_timeout_s=0.05)
        with pytest.raises(TransportError) as caught:
            get(Transport(options, CLOCK), REGION_URL)
    assert caught.value.network is Network.TIMEOUT


def test_nobody_listening_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(TransportError) as caught:
        get(Transport(TransportOptions(dial=DialOverride(*address)), CLOCK))
    assert caught.value.network is Network.REFUSED


def test_a_name_that_does_not_exist(monkeypatch):
    def fail(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "secret-name lookup")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(TransportError) as caught:
        get(Transport(TransportOptions(), CLOCK))
    assert caught.value.network is Network.DNS_NO_SUCH_HOST
    assert "--network=public" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "network"),
    [
        (TimeoutError(), Network.TIMEOUT),
        (u.ReadTimeoutError(None, "/?SecretName=x", "read"), Network.TIMEOUT),
        (u.ConnectTimeoutError(), Network.TIMEOUT),
        (ConnectionResetError(), Network.RESET),
        (u.ProtocolError("aborted", ConnectionResetError()), Network.RESET),
        (u.IncompleteRead(3, 9), Network.RESET),
        (u.ProtocolError("broken", u.IncompleteRead(3, 9)), Network.RESET),
        (BrokenPipeError(), Network.BROKEN_PIPE),
        (ConnectionRefusedError(), Network.REFUSED),
        (PermissionError(errno.EPERM, "x"), Network.PERMISSION_DENIED),
        (OSError(errno.ETIMEDOUT, "x"), Network.TIMEOUT),
        (OSError(errno.EHOSTUNREACH, "x"), Network.OTHER),
        (socket.gaierror(socket.EAI_AGAIN, "x"), Network.DNS_TEMPORARY),
        (socket.gaierror(socket.EAI_FAIL, "x"), Network.OTHER),
        (ssl.SSLCertVerificationError("x"), Network.TLS),
        (u.SSLError(ssl.SSLEOFError()), Network.RESET),
        (u.ProxyError("x", ConnectionRefusedError()), Network.REFUSED),
        (ValueError("x"), Network.OTHER),
    ],
)
def test_every_failure_has_its_word(error, network):
    assert network_of(error) is network
    failure = classify(error, "h.example")
    assert (failure.network, str(failure).startswith("h.example: ")) == (network, True)
    assert "SecretName" not in str(failure)


def test_a_connection_error_is_what_its_cause_says():
    error = u.NewConnectionError(None, "secret url")
    error.__cause__ = ConnectionRefusedError()
    assert network_of(error) is Network.REFUSED


def test_an_earlier_failure_that_is_merely_being_handled_does_not_decide():
    error = TimeoutError()
    error.__context__ = TransportError(Network.TLS, "earlier")
    error.__suppress_context__ = True
    assert network_of(error) is Network.TIMEOUT


ENVIRONMENT = {
    "HTTPS_PROXY": "proxy:3128",
    "http_proxy": "http://plain:1",
    "NO_PROXY": ".aliyuncs.com, 10.0.0.0/8,exact.example:443",
}


@pytest.mark.parametrize(
    ("scheme", "host", "proxy"),
    [
        ("https", "example.com", "http://proxy:3128"),
        ("http", "example.com", "http://plain:1"),
        ("https", "kms.cn-hangzhou.aliyuncs.com", ""),
        ("https", "aliyuncs.com", ""),
        ("https", "notaliyuncs.com", "http://proxy:3128"),
        ("https", "10.1.2.3", ""),
        ("https", "11.1.2.3", "http://proxy:3128"),
        ("https", "exact.example", ""),
        ("https", "sub.exact.example", ""),
        ("http", "100.100.100.200", ""),
        ("https", "127.0.0.1", ""),
        ("https", "[::1]", ""),
    ],
)
def test_no_proxy_is_honoured(scheme, host, proxy):
    assert ProxySettings.from_environment(ENVIRONMENT).proxy_for(scheme, host) == proxy


def test_a_star_means_no_proxy_at_all_and_all_proxy_stands_in():
    assert ProxySettings.from_environment({"ALL_PROXY": "p:1", "no_proxy": "*"}).proxy_for("https", "x.y") == ""
    assert ProxySettings.from_environment({"ALL_PROXY": "p:1"}).proxy_for("http", "x.y") == "http://p:1"


def test_a_proxy_is_asked_with_its_credentials_and_the_absolute_form():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        proxies = ProxySettings(http=f"http://us%40er:pw@127.0.0.1:{port}")
        one = Transport(TransportOptions(proxies=proxies, read_timeout_s=0.1), CLOCK)
        with pytest.raises(TransportError):
            get(one, "http://sts.example/x?y=1")
        connection, _ = listener.accept()
        with connection:
            head = connection.recv(4096).decode()
    assert head.startswith("GET http://sts.example/x?y=1 HTTP/1.1\r\n")
    assert "basic dXNAZXI6cHc=" in head.lower() or "Basic dXNAZXI6cHc=" in head
