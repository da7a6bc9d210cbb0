"""Files before the cluster, and namespaces that may not be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.overlay import AssumedNamespaces, OverlayReader
from kubectl_asm.errors import AccessError, NotFoundError, UnavailableError
from kubectl_asm.model.objects import ConfigMap, Meta, Namespace, NamespaceStatus


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
