"""Requests over a canned transport: retries of reads, renewal, nothing repeated that writes."""

from __future__ import annotations

import json

import pytest
import urllib3

from kubectl_asm.adapters.kube.codec import decode_page
from kubectl_asm.adapters.kube.credentials import FixedCredential
from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.reader import KubeReader
from kubectl_asm.adapters.kube.requestlog import RequestLog
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.adapters.kube.writer import KubeWriter
from kubectl_asm.errors import AccessError, ClusterError, NotFoundError, UnavailableError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, Meta, Secret

ASKED = Asked("get", "secrets", "shop", "db")
SECRET = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "db", "namespace": "shop"}, "data": {"a": "MQ=="}}


class Clock:
    """Simulated time; waits are recorded."""

    def __init__(self, is_shutting_down=False):
        self.waits = []
        self._is_shutting_down = is_shutting_down

    def monotonic(self):
        return float(len(self.waits))

    def wait(self, seconds):
        self.waits.append(seconds)
        return not self._is_shutting_down


class Answer:
    def __init__(self, status, body=b"{}", headers=None):
        self.status = status
        self.headers = urllib3.HTTPHeaderDict(headers or {})
        self.response = self
        self.data = body if isinstance(body, bytes) else json.dumps(body).encode()


class Canned:
    """Gives prepared answers in order; the last one repeats."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def request(self, method, url, headers=None, body=None, *, _request_timeout=None):
        self.requests.append((method, url, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Renewable(FixedCredential):
    renewals = 0

    def renew(self):
        self.renewals += 1
        return True


def transport(client, credential=None, clock=None):
    parts = {"clock": clock or Clock(), "log": RequestLog()}
    return Transport(client, "https://api.example:6443/", credential or FixedCredential(), **parts)


def status(code, reason, message="", **details):
    return Answer(code, {"kind": "Status", "message": message, "reason": reason, "details": details})


BUSY = Answer(429, status(429, "TooManyRequests", "busy").data, {"Retry-After": "2"})


def test_a_busy_server_is_asked_again_after_the_time_it_states():
    client, clock = Canned(BUSY, BUSY, Answer(200, SECRET)), Clock()
    assert KubeReader(transport(client, clock=clock)).get(Secret, "shop", "db").name == "db"
    assert clock.waits == [2.0, 2.0]


def test_without_a_stated_time_the_waits_double():
    client, clock = Canned(Answer(503, b"")), Clock()
    with pytest.raises(UnavailableError):
        transport(client, clock=clock).read("/x", ASKED)
    assert clock.waits == [0.5, 1.0, 2.0]
    assert len(client.requests) == 4


def test_a_stated_time_beyond_the_bound_is_an_error_that_carries_it():
    client, clock = Canned(Answer(429, b"", {"Retry-After": "3600"})), Clock()
    with pytest.raises(UnavailableError) as caught:
        transport(client, clock=clock).read("/x", ASKED)
    assert caught.value.retry_after_s == 3600
    assert clock.waits == []


def test_a_shutdown_ends_the_waiting():
    client, clock = Canned(BUSY), Clock(is_shutting_down=True)
    with pytest.raises(UnavailableError):
        transport(client, clock=clock).read("/x", ASKED)
    assert len(client.requests) == 1


@pytest.mark.parametrize("code", [500, 502, 504])
def test_other_server_errors_are_not_repeated(code):
    client = Canned(Answer(code, b"<html>S3cr3t</html>"))
    with pytest.raises(UnavailableError, match=f"HTTP {code} from the API server") as caught:
        transport(client).read("/x", ASKED)
    assert len(client.requests) == 1
    assert "S3cr3t" not in str(caught.value)


def test_an_idle_connection_the_server_closed_costs_one_more_read():
    client = Canned(urllib3.exceptions.ProtocolError("Connection aborted."), Answer(200, SECRET))
    assert KubeReader(transport(client)).get(Secret, "shop", "db").name == "db"


@pytest.mark.parametrize("answer", [BUSY, Answer(503, b""), urllib3.exceptions.ProtocolError("Connection aborted.")])
def test_a_write_is_sent_once(answer):
    client, clock = Canned(answer), Clock()
    with pytest.raises(UnavailableError):
        KubeWriter(transport(client, clock=clock)).create(Secret(metadata=Meta(name="db", namespace="shop")))
    assert len(client.requests) == 1
    assert clock.waits == []


def test_a_refused_credential_is_renewed_once():
    client, credential = Canned(status(401, "Unauthorized"), Answer(200, SECRET)), Renewable()
    KubeReader(transport(client, credential)).get(Secret, "shop", "db")
    assert credential.renewals == 1


def test_a_credential_that_is_refused_twice_is_an_access_error():
    client, credential = Canned(status(401, "Unauthorized", "Unauthorized")), Renewable()
    with pytest.raises(AccessError):
        KubeReader(transport(client, credential)).get(Secret, "shop", "db")
    assert len(client.requests) == 2


def test_an_expired_list_is_read_again_in_one_piece():
    page = {"items": [SECRET], "metadata": {"continue": "t"}}
    client = Canned(Answer(200, page), status(410, "Expired", "too old"), Answer(200, {"items": [SECRET], "metadata": {}}))
    assert len(KubeReader(transport(client), chunk_size=1).list(Secret, "shop")) == 1
    assert [url.partition("?")[2] for _, url, _, _ in client.requests] == ["limit=1", "limit=1&continue=t", ""]


def test_a_list_that_expires_again_is_an_error():
    client = Canned(status(410, "Expired", "too old"))
    with pytest.raises(ClusterError, match="too old"):
        KubeReader(transport(client)).list(Secret)
    assert len(client.requests) == 2


def test_every_write_names_its_field_manager_and_a_dry_run_says_so_everywhere():
    client = Canned(Answer(200, SECRET))
    writer = KubeWriter(transport(client), server_dry_run=True)
    secret = Secret(metadata=Meta(name="db", namespace="shop", uid="u", resource_version="1"))
    external = ExternalSecret(metadata=Meta(name="es", namespace="shop", uid="u", resource_version="1"))
    writer.create(secret)
    writer.update(secret)
    writer.set_finalizers(secret, ())
    writer.set_status(external, external.status)
    writer.apply(external, force=True)
    writer.delete(secret)
    assert all("fieldManager=kubectl-asm" in url and "dryRun=All" in url for _, url, _, _ in client.requests)
    assert client.requests[-1][3]["dryRun"] == ["All"]
    assert client.requests[-1][3]["preconditions"] == {"uid": "u"}


def test_a_name_that_would_address_something_else_is_never_sent():
    client = Canned(Answer(200, SECRET))
    for name in ("", "..", "a/b"):
        with pytest.raises(NotFoundError):
            KubeReader(transport(client)).get(Secret, "shop", name)
        with pytest.raises(ClusterError):
            KubeWriter(transport(client)).delete(Secret(metadata=Meta(name=name, namespace="shop")))
    assert client.requests == []


def test_what_the_model_cannot_hold_is_named_by_object_and_field():
    item = {"metadata": {"name": "c", "namespace": "shop"}, "data": {"a": 1}}
    with pytest.raises(ClusterError, match=r"ConfigMap shop/c cannot be read: data.*: expected text, got int"):
        decode_page(ConfigMap, json.dumps({"items": [item]}).encode())


def test_data_that_is_not_base64_is_not_shown():
    item = {"metadata": {"name": "db", "namespace": "shop"}, "data": {"a": "S3cr3t!"}}
    with pytest.raises(ClusterError, match="Secret shop/db cannot be read: data is not base64") as caught:
        decode_page(Secret, json.dumps({"items": [item]}).encode())
    assert "S3cr3t" not in repr(caught.value.__cause__) + repr(caught.value.__context__) + str(caught.value)
