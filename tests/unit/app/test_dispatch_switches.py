"""What a change asks for when kinds are switched off: they are neither listed nor worked on, and others may still use them."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.system import utc_now
from kubectl_asm.app.dispatch import Dispatcher, worked_on
from kubectl_asm.app.queue import WorkQueue
from kubectl_asm.model.externalsecret import DataSource, ExternalSecret, ExternalSecretSpec, SecretStoreRef
from kubectl_asm.model.objects import Meta, Namespace, OwnerReference
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from tests.harness.world import FakeClock

OFF = Settings(process_cluster_secret_store=False, process_cluster_external_secret=False)
CONFINED = Settings(watch_namespaces=("shop",), scope_disables_cluster_controllers=True)


class Scene:
    """A dispatcher over a cluster in memory, with what it listed, needed and put into the queue."""

    def __init__(self, settings: Settings) -> None:
        self.listed: list[str] = []
        self.needed: list[str] = []
        self.cluster = MemoryCluster([Namespace(metadata=Meta(name="shop"))], now=utc_now)
        self.queue, clock = WorkQueue(FakeClock()), FakeClock()
        self.dispatcher = Dispatcher(
            self.queue, self, settings, clock.monotonic, needs=lambda kind: self.needed.append(kind.RESOURCE.kind)
        )
        self.dispatcher.subscribe(self.cluster)
        self.cluster.start()

    def list(self, kind: Any, *arguments: Any, **options: Any) -> Any:
        self.listed.append(kind.RESOURCE.kind)
        return self.cluster.list(kind, *arguments, **options)

    def asked(self) -> list[str]:
        found = []
        while (item := self.queue.take_due()) is not None:
            found.append(str(item.key))
            self.queue.done(item.key)
        return found


def child() -> ExternalSecret:
    owner = OwnerReference(kind="ClusterExternalSecret", name="fan", controller=True)
    return ExternalSecret(metadata=Meta(name="fan", namespace="shop", owner_references=(owner,)))


@pytest.mark.parametrize("settings", [OFF, CONFINED])
def test_kinds_that_are_switched_off_are_not_worked_on(settings: Settings) -> None:
    assert worked_on(settings) == (SecretStore, ExternalSecret)
    assert worked_on(Settings()) == (SecretStore, ClusterSecretStore, ClusterExternalSecret, ExternalSecret)


@pytest.mark.parametrize(("settings", "are_listed"), [(Settings(), True), (OFF, False)])
def test_kinds_that_are_switched_off_are_never_listed(settings: Settings, are_listed: bool) -> None:
    scene = Scene(settings)
    scene.dispatcher.everything()
    scene.cluster.update(Namespace(metadata=Meta(name="shop", resource_version="1", labels={"fan": "yes"})))
    assert ("ClusterExternalSecret" in scene.listed) is are_listed
    assert ("ClusterSecretStore" in scene.listed) is are_listed


@pytest.mark.parametrize(("settings", "asked"), [(Settings(), ["ClusterExternalSecret fan"]), (OFF, [])])
def test_a_child_that_vanishes_asks_for_its_parent_unless_nobody_makes_children(settings: Settings, asked: list[str]) -> None:
    scene = Scene(settings)
    made = scene.cluster.create(child())
    scene.asked()
    scene.cluster.delete(made)
    assert scene.asked() == asked


def test_a_cluster_store_is_needed_by_who_refers_to_it_also_when_it_is_not_worked_on() -> None:
    scene = Scene(OFF)
    source = DataSource(key="db", secret_store_ref=SecretStoreRef(name="shared", kind="ClusterSecretStore"))
    scene.cluster.create(ExternalSecret(metadata=Meta(name="app", namespace="shop"), spec=ExternalSecretSpec(data=(source,))))
    assert scene.needed == ["ClusterSecretStore"]
