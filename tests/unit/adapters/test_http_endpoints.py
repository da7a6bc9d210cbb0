"""Addresses and verdicts of the HTTP endpoints; tests/drivers/test_serve_endpoints.py asks over sockets."""

import pytest

from kubectl_asm.adapters.endpoints import Answer, parse_address, verdict
from kubectl_asm.errors import UsageError


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("127.0.0.1:8080", ("127.0.0.1", 8080)), (":80", ("", 80)), ("[::1]:0", ("::1", 0)), ("here:65535", ("here", 65535))],
)
def test_addresses_have_a_host_and_a_port(text, parsed):
    assert parse_address(text) == parsed


@pytest.mark.parametrize("text", ["", "8080", "host:", "host:http", "host:65536", "host:-1", "host:²", "host:٣"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match="host:port"):
        parse_address(text)


def test_a_page_is_ok_or_says_what_is_wrong():
    problems = []
    page = verdict(lambda: problems)
    assert page() == Answer(b"ok\n")
    problems += ["one", "two"]
    assert page() == Answer(b"one\ntwo\n", 503)
