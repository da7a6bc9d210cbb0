"""Cases of the area cluster.expand: one pass over a ClusterExternalSecret (README sections 8.2 and 8.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kubectl_asm.adapters import ownership
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.expansion import Expanded, ExpansionExecutor, Expansions
from kubectl_asm.engine.expand import is_owned
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Outcome, Retry, RetryAfter
from kubectl_asm.engine.scope import ScopeConflictError, check_scope
from kubectl_asm.errors import NotFoundError
from kubectl_asm.manifest.decode import KINDS
from kubectl_asm.model.externalsecret import ExternalSecret, ExternalSecretSpec
from kubectl_asm.model.objects import FINALIZER, KubeObject, Namespace
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterExternalSecretStatus

from .cases import loaded, namespaces_of, settings_of, typed, typed_all
from .world import FakeClock, FaultyCluster


@dataclass
class ClusterWorld:
    """A cluster with exactly the namespaces of the case."""

    case: Mapping[str, Any]
    compat: str
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.given = dict(self.case["given"])
        self.settings = settings_of(self.case, self.compat)
        self.cluster = MemoryCluster(now=self.clock.instant, manager="ack-secret-manager", strict_namespaces=True)
        self.cluster.load(namespaces_of(self.given))
        self.cluster.load(typed_all(self.given.get("objects", ())))
        self.cluster.load(typed_all(self.given.get("stores", ())))
        self.name = self.given["clusterExternalSecret"]["metadata"]["name"]
        self._load_parent(self.given["clusterExternalSecret"], None)
        self._set_faults(self.given.get("apiFaults", ()))

    def _set_faults(self, faults: Any) -> None:
        self.faults = FaultyCluster(self.cluster, faults, loaded)

    def _load_parent(self, manifest: Mapping[str, Any], before: ClusterExternalSecret | None) -> None:
        """Load the parent. Without finalizers of its own it has ours, or those it had; the same for its status."""
        metadata = {"finalizers": list(before.metadata.finalizers if before else (FINALIZER,)), **manifest["metadata"]}
        if metadata.get("deletionTimestamp") is True:
            metadata["deletionTimestamp"] = "2026-03-02T07:59:00Z"
        parent = typed({**manifest, "metadata": metadata}, "")
        assert isinstance(parent, ClusterExternalSecret)
        if before is not None and "status" not in manifest:
            parent = msgspec.structs.replace(parent, status=before.status)
        self.cluster.load([parent])

    def change(self, changes: Mapping[str, Any], advance: float) -> None:
        """Apply what a case sets between passes."""
        self.clock.wait(advance)
        self.given.update({key: changes[key] for key in ("namespaces", "terminating") if key in changes})
        if "namespaces" in changes or "terminating" in changes:
            self._set_namespaces()
        if "apiFaults" in changes:
            self._set_faults(changes["apiFaults"])
        for item in changes.get("removeObjects", ()):
            self._remove(item)
        self.cluster.load([self._edited(obj) for obj in typed_all(changes.get("objects", ()))])
        if "clusterExternalSecret" in changes:
            self._load_parent(changes["clusterExternalSecret"], self._parent())

    def _edited(self, obj: KubeObject) -> KubeObject:
        """Return an object as a user's replace leaves it: the server keeps the books of who applied what."""
        stored = {(item.ref.kind, item.namespace, item.name): item for item in self.cluster.objects()}
        before = stored.get((obj.ref.kind, obj.namespace, obj.name))
        if before is None:
            return obj
        books = ownership.after_update(
            before.metadata.managed_fields, ownership.leaves_of(before), ownership.leaves_of(obj), "user"
        )
        metadata = msgspec.structs.replace(obj.metadata, uid=before.metadata.uid, managed_fields=books)
        return msgspec.structs.replace(obj, metadata=metadata)

    def _set_namespaces(self) -> None:
        wanted = namespaces_of(self.given)
        gone = {namespace.name for namespace in self.cluster.list(Namespace)} - {namespace.name for namespace in wanted}
        for obj in self.cluster.objects():
            if obj.namespace in gone or (isinstance(obj, Namespace) and obj.name in gone):
                self.cluster.delete(obj)
        self.cluster.load(wanted)

    def _remove(self, item: Mapping[str, str]) -> None:
        kind = next(kind for kind in KINDS.values() if kind.RESOURCE.kind == item["kind"])
        for obj in self.cluster.list(kind, item.get("namespace", "")):
            if obj.name == item["name"]:
                self.cluster.delete(obj)

    def _parent(self) -> ClusterExternalSecret | None:
        try:
            return self.cluster.get(ClusterExternalSecret, "", self.name)
        except NotFoundError:
            return None

    def round(self, expect: Mapping[str, Any]) -> list[str]:
        """Run one pass and return what differs from what is expected."""
        try:
            check_scope(self.settings)
        except ScopeConflictError as error:
            return [] if expect.get("startup") == "refused" else [f"startup: refused ({error})"]
        if "startup" in expect:
            return ["startup: wanted refused, got started"]
        parent = self._parent()
        assert parent is not None
        return list(self._problems(expect, parent, self._pass(parent)))

    def _pass(self, parent: ClusterExternalSecret) -> Expanded:
        """Run one pass as `sync` does."""
        plan = Expansions(self.faults, References(self.faults), self.settings).plan(parent)
        return ExpansionExecutor(self.faults, self.faults, self.settings, self.clock.instant).run(plan)

    def _problems(self, expect: Mapping[str, Any], parent: ClusterExternalSecret, expanded: Expanded) -> Iterator[str]:
        after = self._parent()
        if "decision" in expect and expanded.plan.step != expect["decision"]:
            yield f"decision: wanted {expect['decision']}, got {expanded.plan.step}"
        result = "error" if isinstance(expanded.outcome, Retry) else "ok"
        if result != expect.get("result", "ok"):
            yield f"result: wanted {expect.get('result', 'ok')}, got {result}"
        if "requeue" in expect and (got := requeue_of(expanded.outcome)) != expect["requeue"]:
            yield f"requeue: wanted {expect['requeue']}, got {got}"
        finalizers = list(after.metadata.finalizers) if after else []
        if "finalizers" in expect and finalizers != expect["finalizers"]:
            yield f"finalizers: wanted {expect['finalizers']}, got {finalizers}"
        if "expand" in expect:
            yield from self._child_problems(expect["expand"], parent)
        if "ces" in expect:
            yield from _status_problems(expect["ces"], after.status if after else ClusterExternalSecretStatus())

    def _child_problems(self, wanted: list[Mapping[str, Any]], parent: ClusterExternalSecret) -> Iterator[str]:
        living = [item for item in self.cluster.list(ExternalSecret) if not item.metadata.is_deleting]
        found = {(item.namespace, item.name): item for item in living}
        names = sorted((item["namespace"], item["name"]) for item in wanted)
        if names != sorted(found):
            yield f"expand: wanted {names}, got {sorted(found)}"
        for item in wanted:
            child = found.get((item["namespace"], item["name"]))
            if child is not None:
                yield from _one_child_problems(item, child, parent)


def _one_child_problems(item: Mapping[str, Any], child: ExternalSecret, parent: ClusterExternalSecret) -> Iterator[str]:
    got = {
        "owned": is_owned(child, parent),
        "labels": child.metadata.labels,
        "annotations": child.metadata.annotations,
        "spec": child.spec,
    }
    for key, value in item.items():
        wanted = msgspec.convert(value, ExternalSecretSpec) if key == "spec" else value
        if key in got and got[key] != wanted:
            yield f"expand {child.namespace}/{child.name}.{key}: wanted {value}, got {got[key]}"


def _status_problems(wanted: Mapping[str, Any], status: ClusterExternalSecretStatus) -> Iterator[str]:
    ready = next((item.status for item in status.conditions if item.type == "Ready"), "")
    provisioned = sorted(status.provisioned_namespaces)
    got = {"provisioned": provisioned, "ready": ready, "externalSecretName": status.external_secret_name}
    for key in got.keys() & wanted.keys():
        value = sorted(wanted[key]) if key == "provisioned" else wanted[key]
        if got[key] != value:
            yield f"ces.{key}: wanted {value}, got {got[key]}"
    if "failed" not in wanted:
        return
    failed = sorted((item.namespace, item.reason) for item in status.failed_namespaces)
    items = sorted(wanted["failed"], key=lambda item: str(item["namespace"]))
    if [item["namespace"] for item in items] != [name for name, _ in failed]:
        yield f"ces.failed: wanted {items}, got {failed}"
        return
    for item, (name, reason) in zip(items, failed, strict=True):
        texts = item.get("reasonContains", [])
        if not all(text in reason for text in ([texts] if isinstance(texts, str) else texts)):
            yield f"ces.failed[{name}]: {reason!r} lacks {texts}"


def requeue_of(outcome: Outcome) -> str:
    """Return when the work queue runs an object again, in the words of the README."""
    if isinstance(outcome, Retry):
        return "backoff"
    delay = outcome.delay if isinstance(outcome, RetryAfter) else outcome.again_after
    return "none" if delay is None else f"{delay.total_seconds():g}s"
