"""Every failure of the API server and of the network becomes one of ours, without values."""

from __future__ import annotations

import json

import pytest
import urllib3

from kubectl_asm.adapters.kube.errors import Asked, error_of_network, error_of_reply, without_contents, without_values
from kubectl_asm.errors import (
    AccessError,
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from kubectl_asm.model.objects import Meta, Secret
from kubectl_asm.model.sensitive import SecretBytes

ASKED = Asked("get", "secrets", "shop", "db")


def reply(code, reason="", message="", **details):
    body = {"kind": "Status", "message": message, "reason": reason, "details": {"name": "db", **details}}
    return error_of_reply(code, {}, json.dumps(body).encode(), ASKED)


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", RejectedError),
        (401, "Unauthorized", AccessError),
        (403, "Forbidden", AccessError),
        (404, "NotFound", NotFoundError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (410, "Expired", ClusterError),
        (415, "UnsupportedMediaType", RejectedError),
        (422, "Invalid", RejectedError),
        (429, "TooManyRequests", UnavailableError),
        (500, "InternalError", UnavailableError),
        (503, "ServiceUnavailable", UnavailableError),
        (504, "Timeout", UnavailableError),
    ],
)
def test_each_status_has_its_class(code, reason, kind):
    error = reply(code, reason, "words")
    assert type(error) is kind
    assert (error.status, error.reason) == (code, reason)


def test_a_page_that_is_not_there_says_nothing_about_the_object():
    error = error_of_reply(404, {}, b"404 page not found\n", ASKED)
    assert type(error) is ClusterError
    assert "does not know secrets" in str(error)


def test_a_body_that_is_no_status_is_dropped():
    for body in (b"<html>S3cr3t", b'{"message": "S3cr3t"}', b"\xff"):
        assert "S3cr3t" not in str(error_of_reply(502, {}, body, ASKED))


def test_a_stated_delay_is_kept_from_header_or_body():
    assert error_of_reply(429, {"Retry-After": "7"}, b"", ASKED).retry_after_s == 7
    assert reply(503, "ServiceUnavailable", retryAfterSeconds=3).retry_after_s == 3


def test_a_long_message_is_cut():
    assert len(str(reply(400, "BadRequest", "x" * 5000))) < 700


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ('Invalid value: "S3cr3t": must be short', "Invalid value: ***: must be short"),
        (r'Invalid value: "S3\"cr3t": must be short', "Invalid value: ***: must be short"),
        ('Invalid value: map[string]string{"a":"S3cr3t: x"}: must be short', "Invalid value: ***: must be short"),
        ('Unsupported value: "S3cr3t": supported values: "A", "B"', 'Unsupported value: ***: supported values: "A", "B"'),
        ('Duplicate value: "S3cr3t"', "Duplicate value: ***"),
        ("Invalid value: 0x0: must be specified", "Invalid value: ***: must be specified"),
        ('a: Invalid value: "S3cr3t": x, b: Invalid value: "S3cr3t": y', "a: Invalid value: ***: x, b: Invalid value: ***: y"),
        ("Required value", "Required value"),
        (
            "data[a]: Invalid value: \"<secret contents redacted>\": invalid character 'S' looking for beginning of value",
            "data[a]: Invalid value: ***: invalid character *** looking for beginning of value",
        ),
        (
            r"invalid character '\'' in string, invalid character '\u00e9' after",
            "invalid character *** in string, invalid character *** after",
        ),
    ],
)
def test_values_in_field_errors_are_masked(message, masked):
    assert without_values(message) == masked


def test_an_invalid_status_is_put_together_from_its_causes():
    cause = {"reason": "FieldValueInvalid", "message": 'Invalid value: "S3cr3t": bad', "field": "metadata.labels"}
    message = 'Secret "db" is invalid: metadata.labels: Invalid value: "S3cr3t": bad'
    error = reply(422, "Invalid", message, kind="Secret", causes=[cause, cause])
    assert str(error) == 'Secret "db" is invalid: metadata.labels: Invalid value: ***: bad'


@pytest.mark.parametrize("quoted", ["S3cr3t-value", "UzNjcjN0LXZhbHVl", "label-from-secret", r"S3\"cr3t é", r"S3\"cr3t \u00e9"])
def test_words_of_a_webhook_that_quote_the_object_are_masked(quoted):
    labels = {"app": "label-from-secret"}
    data = {"a": SecretBytes(b"S3cr3t-value"), "b": SecretBytes(b"x"), "c": SecretBytes.of_text('S3"cr3t é')}
    secret = Secret(metadata=Meta(name="db", labels=labels), data=data)
    error = without_contents(reply(400, "", f'admission webhook "w" denied the request: no {quoted} please'), secret)
    assert str(error) == 'admission webhook "w" denied the request: no *** please'


def vendor_errors():
    found, queue = [], [urllib3.exceptions.HTTPError]
    while queue:
        kind = queue.pop()
        found.append(kind)
        queue += kind.__subclasses__()
    return sorted(set(found), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", vendor_errors(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_http_library_is_unavailability(kind):
    error = kind.__new__(kind)
    Exception.__init__(error, "S3cr3t words of the library")
    error.reason = None
    error.partial = error.expected = error.length = 0  # read by the texts of incomplete bodies
    mapped = error_of_network(error, "https://api.example", 5)
    assert type(mapped) is UnavailableError
    assert "S3cr3t" not in str(mapped)
