"""MemoryCluster: what only it promises (determinism, implied namespaces, seeding); the rest is the contract suite's."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.errors import AccessError, NotFoundError, RejectedError, UsageError
from kubectl_asm.model.externalsecret import DataSource, ExternalSecret, ExternalSecretSpec, ExternalSecretStatus, SyncResult
from kubectl_asm.model.objects import ConfigMap, Meta, Namespace, NamespaceStatus, Secret
from kubectl_asm.model.sensitive import SecretBytes

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def cluster(*objects, **options):
    return MemoryCluster(objects, now=lambda: NOW, **options)


def secret(name="db", namespace="shop", **fields):
    data = {key: SecretBytes.of_text(value) for key, value in fields.pop("data", {"a": "1"}).items()}
    return Secret(metadata=Meta(name=name, namespace=namespace, **fields.pop("meta", {})), data=data, **fields)


def external(name="es", **spec):
    return ExternalSecret(metadata=Meta(name=name, namespace="shop"), spec=ExternalSecretSpec(**spec))


def test_creation_time_is_the_injected_instant():
    assert cluster().create(secret()).metadata.creation_timestamp == "2026-03-01T12:00:00Z"


def test_two_equal_runs_give_equal_objects():
    first, second = (memory.create(secret()) for memory in (cluster(), cluster()))
    assert first == second


def test_objects_differ_in_uid():
    memory = cluster()
    assert memory.create(secret("a")).metadata.uid != memory.create(secret("b")).metadata.uid


def test_seeded_objects_are_kept_as_they_are_even_when_the_server_would_refuse_them():
    seeded = secret(data={"bad key": "v"}, meta={"uid": "u-1", "deletion_timestamp": "2026-01-01T00:00:00Z"})
    found = cluster(seeded).get(Secret, "shop", "db")
    assert found.data == seeded.data
    assert (found.metadata.uid, found.metadata.is_deleting) == ("u-1", True)


def test_an_unnamed_namespace_is_active_and_carries_its_automatic_label():
    namespace = cluster().get(Namespace, "", "shop")
    assert namespace.metadata.labels == {"kubernetes.io/metadata.name": "shop"}
    assert not namespace.is_terminating


def test_namespaces_that_hold_an_object_are_listed():
    memory = cluster(secret(), ConfigMap(metadata=Meta(name="c", namespace="web")))
    assert [namespace.name for namespace in memory.list(Namespace)] == ["shop", "web"]


def test_strict_namespaces_must_be_given():
    memory = cluster(Namespace(metadata=Meta(name="web")), strict_namespaces=True)
    assert [namespace.name for namespace in memory.list(Namespace)] == ["web"]
    with pytest.raises(NotFoundError, match='namespaces "shop" not found'):
        memory.create(secret())


def test_a_terminating_namespace_takes_no_new_objects():
    memory = cluster(Namespace(metadata=Meta(name="shop"), status=NamespaceStatus("Terminating")))
    with pytest.raises(AccessError, match="unable to create new content in namespace shop because it is being terminated"):
        memory.create(secret())


def test_list_is_sorted_by_namespace_and_name():
    memory = cluster(secret("b"), secret("a"), secret("z", "aa"))
    assert [(found.namespace, found.name) for found in memory.list(Secret)] == [("aa", "z"), ("shop", "a"), ("shop", "b")]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("", ["a", "b", "c"]),
        ("app=web", ["a"]),
        ("app==web", ["a"]),
        ("app!=web", ["b", "c"]),
        ("app in (web, db)", ["a", "b"]),
        ("app notin (web)", ["b", "c"]),
        ("app", ["a", "b"]),
        ("!app", ["c"]),
        ("app in (web,db),tier=x", ["b"]),
    ],
)
def test_label_selectors_are_kubectls(selector, names):
    memory = cluster(
        secret("a", meta={"labels": {"app": "web"}}), secret("b", meta={"labels": {"app": "db", "tier": "x"}}), secret("c")
    )
    assert [found.name for found in memory.list(Secret, label_selector=selector)] == names


def test_a_selector_that_does_not_parse_is_a_usage_error():
    with pytest.raises(UsageError, match="unable to parse the selector"):
        cluster().list(Secret, label_selector="app in web")


def test_status_written_with_the_main_resource_is_ignored():
    memory = cluster()
    created = memory.create(msgspec.structs.replace(external(), status=ExternalSecretStatus((SyncResult(status="Failed"),))))
    assert created.status == ExternalSecretStatus()


def test_generation_counts_spec_changes_only():
    memory = cluster()
    first = memory.create(external())
    memory.set_status(first, ExternalSecretStatus((SyncResult(status="Succeeded"),)))
    assert memory.get(ExternalSecret, "shop", "es").metadata.generation == 1
    current = memory.get(ExternalSecret, "shop", "es")
    changed = memory.update(msgspec.structs.replace(current, spec=ExternalSecretSpec(data=(DataSource("k"),))))
    assert changed.metadata.generation == 2


def test_a_refusal_never_quotes_a_label_value():
    with pytest.raises(RejectedError) as caught:
        cluster().create(secret(meta={"labels": {"app": "S3cr3t value!"}}))
    assert "S3cr3t" not in str(caught.value)


def test_many_problems_come_as_one_list():
    with pytest.raises(RejectedError, match=r'^Secret "db" is invalid: \[data\[\.\]: .*, data\[a b\]: .*\]$'):
        cluster().create(secret(data={"a b": "1", ".": "2"}))
