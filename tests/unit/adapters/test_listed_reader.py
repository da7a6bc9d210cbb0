"""One list instead of many gets: what is asked of the server, and that nobody notices."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from kubectl_asm.adapters.listed import MANY_NAMESPACES, ListedReader
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.errors import AccessError, NotFoundError, UnavailableError
from kubectl_asm.model.objects import ConfigMap, Meta, Secret


class Counting:
    """A reader that counts questions and can refuse lists."""

    def __init__(self, *objects, error=None):
        self.memory = MemoryCluster(objects, now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
        self.asked = []
        self.error = error

    def get(self, kind, namespace, name):
        self.asked.append(f"get {namespace}/{name}")
        return self.memory.get(kind, namespace, name)

    def list(self, kind, namespace="", *, label_selector=""):
        self.asked.append(f"list {namespace or '*'}")
        if self.error is not None:
            raise self.error
        return self.memory.list(kind, namespace, label_selector=label_selector)


def secrets(namespace, count):
    return [Secret(metadata=Meta(name=f"s-{number}", namespace=namespace)) for number in range(count)]


def names(objects):
    return [(obj.namespace, obj.name) for obj in objects]


def test_one_object_is_asked_for_once():
    inner = Counting(*secrets("shop", 1))
    reader = ListedReader(inner)
    assert reader.get(Secret, "shop", "s-0") is reader.get(Secret, "shop", "s-0")
    assert inner.asked == ["get shop/s-0"]


def test_an_absent_object_is_asked_for_once():
    inner = Counting()
    reader = ListedReader(inner)
    for _ in range(2):
        with pytest.raises(NotFoundError, match='secrets "s-0" not found'):
            reader.get(Secret, "shop", "s-0")
    assert inner.asked == ["get shop/s-0"]


def test_few_announced_objects_are_not_listed():
    inner = Counting(*secrets("shop", 3))
    reader = ListedReader(inner)
    reader.announce(Secret, names(secrets("shop", 3)))
    reader.get(Secret, "shop", "s-0")
    assert inner.asked == ["get shop/s-0"]


def test_many_announced_objects_are_listed_in_their_namespace_only():
    inner = Counting(*secrets("shop", 9), *secrets("web", 1))
    reader = ListedReader(inner)
    reader.announce(Secret, [*names(secrets("shop", 9)), ("web", "s-0")])
    for namespace, name in [*names(secrets("shop", 9)), ("web", "s-0")]:
        assert reader.get(Secret, namespace, name).name == name
    assert inner.asked == ["list shop", "get web/s-0"]


def test_the_same_object_announced_often_counts_once():
    inner = Counting(*secrets("shop", 1))
    reader = ListedReader(inner)
    reader.announce(Secret, [("shop", "s-0")] * 50)
    reader.get(Secret, "shop", "s-0")
    assert inner.asked == ["get shop/s-0"]


def test_many_crowded_namespaces_are_listed_with_one_request():
    inner = Counting()
    reader = ListedReader(inner)
    for number in range(MANY_NAMESPACES):
        found = secrets(f"n-{number}", 8)
        inner.memory.load(found)
        reader.announce(Secret, names(found))
    for number in range(MANY_NAMESPACES):
        assert reader.get(Secret, f"n-{number}", "s-7")
    assert inner.asked == ["list *"]


def test_a_forbidden_list_is_tried_once_and_replaced_by_gets():
    inner = Counting(*secrets("shop", 9), error=AccessError("no", status=403))
    reader = ListedReader(inner)
    reader.announce(Secret, names(secrets("shop", 9)))
    for _, name in names(secrets("shop", 3)):
        reader.get(Secret, "shop", name)
    assert inner.asked == ["list shop", "get shop/s-0", "get shop/s-1", "get shop/s-2"]


def test_a_failed_list_is_an_error_and_is_asked_again():
    inner = Counting(*secrets("shop", 9), error=UnavailableError("down"))
    reader = ListedReader(inner)
    reader.announce(Secret, names(secrets("shop", 9)))
    with pytest.raises(UnavailableError):
        reader.get(Secret, "shop", "s-0")
    inner.error = None
    assert reader.get(Secret, "shop", "s-0").name == "s-0"


def test_a_forgotten_object_is_read_afresh_every_time():
    inner = Counting(*secrets("shop", 9))
    reader = ListedReader(inner)
    reader.announce(Secret, names(secrets("shop", 9)))
    reader.get(Secret, "shop", "s-0")
    reader.forget(Secret, "shop", "s-0")
    reader.get(Secret, "shop", "s-0")
    reader.get(Secret, "shop", "s-0")
    assert inner.asked == ["list shop", "get shop/s-0", "get shop/s-0"]


def test_equal_lists_are_read_once():
    inner = Counting(ConfigMap(metadata=Meta(name="c", namespace="shop")))
    reader = ListedReader(inner)
    for _ in range(2):
        assert len(reader.list(ConfigMap)) == 1
        assert len(reader.list(ConfigMap, label_selector="a")) == 0
    assert inner.asked == ["list *", "list *"]


def test_threads_share_one_answer():
    inner = Counting(*secrets("shop", 40))
    reader = ListedReader(inner)
    reader.announce(Secret, names(secrets("shop", 40)))
    threads = [threading.Thread(target=reader.get, args=(Secret, "shop", f"s-{number}")) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inner.asked == ["list shop"]
