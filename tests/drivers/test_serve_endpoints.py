"""The HTTP endpoints of health and metrics over sockets: small answers, bounded patience, nothing hangs at the end."""

import http.client
import logging
import socket
import threading

import pytest

from kubectl_asm.adapters.endpoints import Answer, Endpoints
from kubectl_asm.errors import UsageError


def broken():
    raise RuntimeError("hunter2")


@pytest.fixture
def endpoints():
    pages = {"/healthz": lambda: Answer(b"ok\n"), "/": lambda: Answer(b"root\n"), "/broken": broken}
    one = Endpoints("127.0.0.1:0", pages)
    one.start()
    yield one
    one.close()


def ask(endpoints, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", endpoints.port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/healthz?verbose=1"])
def test_a_page_is_found_with_and_without_decoration(endpoints, path):
    assert ask(endpoints, path) == (200, b"ok\n")


def test_other_paths_are_not_found_and_other_methods_not_taken(endpoints):
    assert ask(endpoints, "/etc/passwd")[0] == 404
    assert ask(endpoints, "/healthz", "POST")[0] == 501


def test_a_head_has_no_body(endpoints):
    assert ask(endpoints, "/healthz", "HEAD") == (200, b"")


def test_a_page_that_cannot_be_made_is_an_error_without_reasons_and_logged(endpoints, caplog):
    with caplog.at_level(logging.ERROR):
        assert ask(endpoints, "/broken") == (500, b"internal error\n")
    assert [record.exc_info[0] for record in caplog.records] == [RuntimeError]
    assert "hunter2" not in caplog.records[0].getMessage()


def test_a_client_that_says_nothing_keeps_no_other_waiting(endpoints):
    with socket.create_connection(("127.0.0.1", endpoints.port), timeout=5):
        assert ask(endpoints, "/healthz")[0] == 200


def test_an_address_in_use_is_refused(endpoints):
    with pytest.raises(UsageError, match="cannot listen on"):
        Endpoints(f"127.0.0.1:{endpoints.port}", {})


@pytest.mark.parametrize("is_started", [True, False])
def test_close_ends_and_frees_the_port_whether_or_not_it_was_started(is_started):
    one = Endpoints("127.0.0.1:0", {})
    port = one.port
    if is_started:
        one.start()
    closer = threading.Thread(target=one.close, daemon=True)
    closer.start()
    closer.join(3)
    assert not closer.is_alive()
    Endpoints(f"127.0.0.1:{port}", {}).close()
