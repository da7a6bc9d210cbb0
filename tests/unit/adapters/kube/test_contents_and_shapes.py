"""What of watched objects is kept, contents by version in bounded memory, and lines of an answer that does not end."""

import json

import pytest
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_asm.adapters.kube.contents import ContentCache, size_of
from kubectl_asm.adapters.kube.shapes import accept, decode_kept, name_of
from kubectl_asm.adapters.kube.stream import Stream
from kubectl_asm.errors import ClusterError, UnavailableError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ROLE_ARN_ANNOTATION, ConfigMap, Meta, Secret, ServiceAccount
from kubectl_asm.model.sensitive import SecretBytes


def secret(name="a", version="1", value="x"):
    return Secret(metadata=Meta(name=name, namespace="shop", resource_version=version), data={"k": SecretBytes.of_text(value)})


# -- contents


def test_exactly_the_version_that_is_asked_for_is_given_and_another_is_forgotten():
    cache = ContentCache()
    cache.put(secret(version="1"))
    assert cache.get(Secret, "shop", "a", "1") == secret(version="1")
    assert cache.get(Secret, "shop", "a", "2") is None
    assert cache.get(Secret, "shop", "a", "1") is None
    assert (len(cache), cache.total_bytes) == (0, 0)


def test_kinds_and_namespaces_do_not_mix():
    cache = ContentCache()
    cache.put(secret())
    assert cache.get(ConfigMap, "shop", "a", "1") is None
    assert cache.get(Secret, "other", "a", "1") is None


def test_without_memory_nothing_is_kept_and_one_that_is_too_large_pushes_nobody_out():
    nothing = ContentCache(0)
    nothing.put(secret())
    assert len(nothing) == 0
    cache = ContentCache(size_of(secret()))
    cache.put(secret())
    cache.put(secret("b", value="x" * 10_000))
    assert cache.get(Secret, "shop", "a", "1") is not None


def test_the_least_recently_used_goes_first():
    cache = ContentCache(2 * size_of(secret()))
    for name in "ab":
        cache.put(secret(name))
    cache.get(Secret, "shop", "a", "1")
    cache.put(secret("c"))
    assert [cache.get(Secret, "shop", name, "1") is not None for name in "abc"] == [True, False, True]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3000), st.booleans()), max_size=40))
@settings(max_examples=50, deadline=None)
def test_what_is_kept_never_exceeds_the_bound_and_is_counted_exactly(steps):
    cache = ContentCache(6000)
    for number, (name, size, forgets) in enumerate(steps):
        if forgets:
            cache.forget(Secret, "shop", name)
        else:
            cache.put(secret(name, str(number), "x" * size))
        assert cache.total_bytes <= 6000
        assert cache.total_bytes == sum(size for _, size in cache._kept.values())


# -- shapes


def body(**fields):
    metadata = {"name": "a", "namespace": "shop", "uid": "u", "resourceVersion": "7", **fields.pop("metadata", {})}
    return json.dumps({"metadata": metadata, **fields}).encode()


@pytest.mark.parametrize("kind", [Secret, ConfigMap])
def test_of_secrets_and_config_maps_only_the_version_is_kept_though_a_server_sends_everything(kind):
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}
    kept = decode_kept(kind, body(data={"k": "aHVudGVyMg=="}, metadata={"annotations": annotations, "labels": {"a": "b"}}))
    assert (kept.name, kept.metadata.resource_version, kept.metadata.uid) == ("a", "7", "u")
    assert (kept.data, kept.metadata.annotations, kept.metadata.labels) == ({}, {}, {})


def test_of_a_service_account_the_role_is_kept():
    annotations = {ROLE_ARN_ANNOTATION: "acs:ram::1:role/r", "a": "b"}
    kept = decode_kept(ServiceAccount, body(metadata={"annotations": annotations}))
    assert kept.metadata.annotations == {ROLE_ARN_ANNOTATION: "acs:ram::1:role/r"}


def test_of_our_kinds_everything_is_kept_but_the_names_of_managers():
    fields = {"managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {}}], "labels": {"a": "b"}}
    kept = decode_kept(ExternalSecret, body(spec={"rotationInterval": "1h"}, metadata=fields))
    assert kept.spec.rotation_interval == "1h"
    assert kept.metadata.labels == {"a": "b"}
    assert kept.metadata.managed_fields == ()


def test_what_cannot_be_decoded_is_an_error_without_its_text_and_still_has_a_name():
    broken = body(metadata={"annotations": "hunter2"})
    with pytest.raises(ClusterError) as raised:
        decode_kept(Secret, broken)
    assert "hunter2" not in str(raised.value)
    assert name_of(broken).name == "a"
    with pytest.raises(ClusterError):
        name_of(b"[]")


def test_contents_never_travel_with_a_watch():
    for kind in (Secret, ConfigMap, ServiceAccount):
        assert "as=PartialObjectMetadata;" in accept(kind, listing=False)
        assert "as=PartialObjectMetadataList;" in accept(kind, listing=True)
    assert accept(ExternalSecret, listing=False) == "application/json"


# -- streams


class Response:
    """Answers reads with what the test says; an exception is raised."""

    def __init__(self, *parts):
        self.parts = list(parts)
        self.is_closed = self.is_shut = False

    def read1(self, _size):
        part = self.parts.pop(0) if self.parts else b""
        if isinstance(part, Exception):
            raise part
        return part

    def shutdown(self):
        self.is_shut = True

    def close(self):
        self.is_closed = True


def stream(*parts):
    return Stream(Response(*parts), lambda error: UnavailableError(type(error).__name__))


def test_a_last_line_without_an_end_was_cut_off_and_is_dropped():
    assert list(stream(b'{"a":1}\n{"b"', b":2}\n\n{", b'"c"').lines()) == [b'{"a":1}', b'{"b":2}']


@given(st.lists(st.binary(min_size=1, max_size=8).filter(lambda one: b"\n" not in one and one.strip()), max_size=8), st.data())
@settings(max_examples=50, deadline=None)
def test_lines_are_the_same_however_they_are_cut(lines, data):
    text = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(text) - 1, 1)), max_size=6)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(stream(*[part for part in parts if part]).lines()) == lines


@pytest.mark.parametrize("error", [urllib3.exceptions.ProtocolError("cut"), OSError("reset"), ValueError("shut")])
def test_a_broken_connection_is_an_error_unless_somebody_ended_it(error):
    with pytest.raises(UnavailableError):
        list(stream(b"x\n", error).lines())
    ended = stream(b"x\n", error)
    found = []
    for line in ended.lines():
        found.append(line)
        ended.interrupt()
    assert found == [b"x"]


def test_a_line_that_no_server_sends_is_refused(monkeypatch):
    monkeypatch.setattr("kubectl_asm.adapters.kube.stream.MAX_LINE_BYTES", 10)
    with pytest.raises(ClusterError, match="longer than 10 bytes"):
        list(stream(b"x" * 11).lines())


def test_a_stream_is_closed_however_it_is_left():
    one = stream(b"x\n")
    with pytest.raises(KeyError), one:
        raise KeyError
    assert one._response.is_closed
