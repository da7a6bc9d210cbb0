"""Bytes to requests: what is accepted, what is refused, and that no bytes at all make it fall over."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubectl_asm.emulator.wire import MAX_BODY_BYTES, MAX_HEAD_BYTES, Request, RequestReader, Response, WireError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def reader(*chunks: bytes) -> RequestReader:
    rest = list(chunks)
    return RequestReader(lambda: rest.pop(0) if rest else b"")


def only(data: bytes) -> Request:
    request = reader(data).next()
    assert request is not None
    return request


def test_a_request_is_cut_from_the_stream_whatever_the_chunks():
    data = b"POST /?a=b HTTP/1.1\r\nHost: h:1\r\nX-Acs-Date: d\r\nContent-Length: 3\r\n\r\nabcGET /x HTTP/1.1\r\n\r\n"
    one_by_one = reader(*(data[index : index + 1] for index in range(len(data))))
    first, second, end = (one_by_one.next() for _ in range(3))
    assert (first.method, first.path, first.raw_query, first.host, first.body) == ("POST", "/", "a=b", "h", b"abc")
    assert first.header("x-acs-date") == "d"
    assert (second.method, second.target, end) == ("GET", "/x", None)


def test_the_absolute_form_is_what_a_proxy_gets():
    assert only(b"GET http://100.100.100.200/latest/x?y=1 HTTP/1.1\r\n\r\n").target == "/latest/x?y=1"
    assert only(b"GET http://h HTTP/1.1\r\n\r\n").target == "/"


def test_a_request_line_with_a_long_token_is_read():
    assert len(only(b"POST /?t=" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n").raw_query) == 100_002


def test_repeated_headers_are_kept():
    request = only(b"GET / HTTP/1.1\r\nA: 1\r\na: 2\r\n\r\n")
    assert request.headers == (("a", "1"), ("a", "2"))


@pytest.mark.parametrize(
    ("head", "is_kept"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
    ],
)
def test_connections_are_kept_by_the_rules_of_http(head, is_kept):
    assert only(head).keep_alive is is_kept


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\n\r\n", 400),
        (b"GET ftp://h/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://[/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: " + str(MAX_BODY_BYTES + 1).encode() + b"\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"x" * (MAX_HEAD_BYTES + 1), 431),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", 400),
        (b"GET / HT", 400),
    ],
)
def test_bytes_that_are_no_request_are_refused(data, status):
    with pytest.raises(WireError) as caught:
        reader(data).next()
    assert caught.value.status == status


FRAGMENTS = st.sampled_from(
    [
        b"GET / HTTP/1.1",
        b"\r\n",
        b"\r\n\r\n",
        b"Content-Length: 4",
        b"Host: a",
        b": ",
        b"\0",
        b"\xff",
        b"POST /?a=b HTTP/1.1",
        b"http://",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(FRAGMENTS, st.binary(max_size=40)), max_size=12))
@example([b"\r\n\r\n"])
def test_arbitrary_bytes_give_requests_or_a_refusal_and_end(chunks):
    one = reader(*[chunk for chunk in chunks if chunk])
    with contextlib.suppress(WireError):
        assert None in [one.next() for _ in range(200)]


def test_a_response_states_its_length_and_whether_the_connection_stays():
    text = Response(404, b"{}", headers=(("x", "y"),)).encode(keep_alive=True, now=NOW)
    assert text.startswith(b"HTTP/1.1 404 Not Found\r\ndate: Fri, 02 Jan 2026 03:04:05 GMT\r\n")
    assert b"content-length: 2\r\nconnection: keep-alive\r\nx: y\r\n\r\n{}" in text
    assert Response(799).encode(keep_alive=False, now=NOW).startswith(b"HTTP/1.1 799 Unknown\r\n")
