"""Files before the cluster, and namespaces that may not be read."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.overlay import AssumedNamespaces, OverlayReader, RememberedRefusals
from kubectl_asm.errors import AccessError, NotFoundError, UnavailableError
from kubectl_asm.model.objects import ConfigMap, Meta, Namespace, NamespaceStatus
from kubectl_asm.model.stores import ClusterSecretStore
from tests.harness.world import FakeClock


def config(name, namespace="shop", **data):
    return ConfigMap(metadata=Meta(name=name, namespace=namespace), data=data)


def cluster(*objects):
    return MemoryCluster(objects, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), strict_namespaces=True)


class Refusing:
    def __init__(self, error):
        self.error = error

    def get(self, kind, namespace, name):
        raise self.error

    def list(self, kind, namespace="", *, label_selector=""):
        raise self.error


def test_the_upper_object_hides_the_lower_one():
    reader = OverlayReader(cluster(config("a", v="file")), cluster(config("a", v="live"), config("b", v="live")))
    assert reader.get(ConfigMap, "shop", "a").data == {"v": "file"}
    assert reader.get(ConfigMap, "shop", "b").data == {"v": "live"}
    with pytest.raises(NotFoundError):
        reader.get(ConfigMap, "shop", "c")


def test_lists_hold_both_once_and_in_order():
    reader = OverlayReader(
        cluster(config("c"), config("a", v="file")), cluster(config("a", v="live"), config("b"), config("a", "else"))
    )
    assert [(obj.namespace, obj.name) for obj in reader.list(ConfigMap)] == [
        ("else", "a"),
        ("shop", "a"),
        ("shop", "b"),
        ("shop", "c"),
    ]
    assert [obj.data for obj in reader.list(ConfigMap, "shop") if obj.name == "a"] == [{"v": "file"}]


def test_namespaces_are_live_ones_only():
    dying = Namespace(metadata=Meta(name="shop"), status=NamespaceStatus("Terminating"))
    reader = OverlayReader(cluster(Namespace(metadata=Meta(name="shop"))), cluster(dying))
    assert reader.get(Namespace, "", "shop").is_terminating


def test_only_absence_leads_to_the_lower_reader():
    with pytest.raises(UnavailableError):
        OverlayReader(Refusing(UnavailableError("x")), cluster(config("a"))).get(ConfigMap, "shop", "a")


def test_a_forbidden_namespace_is_assumed_and_told():
    told = []
    reader = AssumedNamespaces(Refusing(AccessError("no", status=403)), told.append)
    assert not reader.get(Namespace, "", "shop").is_terminating
    assert told == ["shop"]


def test_nothing_else_is_assumed():
    with pytest.raises(AccessError):
        AssumedNamespaces(Refusing(AccessError("no", status=403)), lambda _: None).get(ConfigMap, "shop", "a")
    with pytest.raises(UnavailableError):
        AssumedNamespaces(Refusing(UnavailableError("no")), lambda _: None).get(Namespace, "", "shop")
    with pytest.raises(NotFoundError):
        AssumedNamespaces(cluster(), lambda _: None).get(Namespace, "", "shop")


class Asked:
    """A reader of namespaces that counts. answer: an object, or an error to raise."""

    def __init__(self, answer):
        self.answer, self.times = answer, 0

    def get(self, kind, namespace, name):
        self.times += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def list(self, kind, namespace="", *, label_selector=""):
        return []


@pytest.mark.parametrize("answer", [Namespace(metadata=Meta(name="team")), AccessError("forbidden", status=403)])
def test_a_namespace_is_asked_for_once_a_minute_refusals_included(answer):
    asked, clock = Asked(answer), FakeClock()
    reader = RememberedRefusals(asked, clock)
    for _ in range(3):
        with contextlib.suppress(AccessError):
            assert reader.get(Namespace, "", "team") == answer
    assert asked.times == 1
    clock.wait(61)
    with contextlib.suppress(AccessError):
        reader.get(Namespace, "", "team")
    assert asked.times == 2


def test_an_outage_is_not_remembered():
    asked = Asked(UnavailableError("no answer"))
    reader = RememberedRefusals(asked, FakeClock())
    for _ in range(2):
        with pytest.raises(UnavailableError):
            reader.get(Namespace, "", "team")
    assert asked.times == 2


def test_a_refusal_of_a_cluster_object_is_remembered_for_a_minute_and_an_answer_never():
    asked, clock = Asked(AccessError("forbidden", status=403)), FakeClock()
    reader = RememberedRefusals(asked, clock)
    for _ in range(3):
        with pytest.raises(AccessError):
            reader.get(ClusterSecretStore, "", "shared")
    assert asked.times == 1
    asked.answer = ClusterSecretStore(metadata=Meta(name="shared"))
    clock.wait(61)
    for _ in range(3):
        assert reader.get(ClusterSecretStore, "", "shared").name == "shared"
    assert asked.times == 4


def test_a_refusal_inside_a_namespace_is_not_remembered():
    asked = Asked(AccessError("forbidden", status=403))
    reader = RememberedRefusals(asked, FakeClock())
    for _ in range(2):
        with pytest.raises(AccessError):
            reader.get(ConfigMap, "shop", "parts")
    assert asked.times == 2
