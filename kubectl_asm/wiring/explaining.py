"""What `explain` needs beside a pass: looks at live objects, the reach of cluster resources, a record of a round's reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from kubectl_asm.app.expansion import Expansions
from kubectl_asm.app.rounds import Rounds
from kubectl_asm.engine.expand_plan import ExpansionPlan
from kubectl_asm.engine.forecast import target_keys
from kubectl_asm.engine.live_compare import compare_live
from kubectl_asm.engine.lookups import Failed, Found, References, look
from kubectl_asm.engine.policies import Subject
from kubectl_asm.engine.reach import Admission, Takeover, admissions_of, takeovers, users_of
from kubectl_asm.errors import ClusterError, NotFoundError
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.backend import BackendError, ErrorClass, SecretOutcome, SecretRead
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import KubeObject, Meta, Namespace, ObjectRef, Resource, Secret
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore
from kubectl_asm.ports import ObjectReader
from kubectl_asm.report.explanation import Explained
from kubectl_asm.wiring.offline import Unlimited
from kubectl_asm.wiring.world import Session

Obj = TypeVar("Obj", bound=KubeObject)


def explained(session: Session, external: ExternalSecret, *, is_live: bool) -> Explained:
    """Return an object with its admission and, beside a cluster, with what is there."""
    admitted = session.rounds.admit(external)
    reader = session.rounds.ports.reader
    target = look(reader, Secret, external.namespace, external.target_name)
    if not is_live:
        return Explained(external, admitted, target if isinstance(target, Found) else None)
    live = compare_live(external, look(reader, ExternalSecret, external.namespace, external.name), target, target_keys(external))
    return Explained(external, admitted, target, live.target, live)


# -- cluster resources


@dataclass(frozen=True, slots=True)
class ClusterReach:
    """How far the cluster resources of a session reach."""

    expansions: tuple[tuple[ExpansionPlan, tuple[Takeover, ...]], ...] = ()
    stores: tuple[tuple[ClusterSecretStore, tuple[Admission, ...], tuple[ObjectRef, ...]], ...] = ()


def cluster_reach(session: Session, manifests: Manifests | None) -> ClusterReach:
    """Return the reach of the cluster resources of the files, or of the cluster where there are none."""
    reader = _WithNamespace(session.reader, session.namespace) if manifests is not None else session.reader
    parents = _resources(reader, manifests, ClusterExternalSecret)
    stores = _resources(reader, manifests, ClusterSecretStore)
    if not parents and not stores:
        return ClusterReach()
    settings, references = session.rounds.settings, session.rounds.ports.references
    existing = {(one.namespace, one.name): one for one in _listed(reader, ExternalSecret)}
    namespaces = _listed(reader, Namespace)
    plans = [Expansions(reader, references, settings).plan(parent) for parent in parents]
    return ClusterReach(
        tuple((plan, takeovers(plan, existing)) for plan in plans),
        tuple((one, admissions_of(one, namespaces, settings), users_of(one, session.externals)) for one in stores),
    )


def _resources(reader: ObjectReader, manifests: Manifests | None, kind: type[Obj]) -> Sequence[Obj]:
    if manifests is None:
        return _listed(reader, kind)
    return sorted(manifests.of_kind(kind), key=lambda one: one.name)


def _listed(reader: ObjectReader, kind: type[Obj]) -> Sequence[Obj]:
    """Return what may be listed: explaining less is better than explaining nothing."""
    try:
        return reader.list(kind)
    except ClusterError:
        return ()


class _WithNamespace:
    """A reader in which one namespace exists: the one of objects that name none."""

    def __init__(self, inner: ObjectReader, name: str) -> None:
        self._inner = inner
        self._name = name

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return what the inner reader has."""
        return self._inner.get(kind, namespace, name)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return what the inner reader lists, with the namespace among the namespaces."""
        found = self._inner.list(kind, namespace, label_selector=label_selector)
        if kind is not Namespace or any(one.name == self._name for one in found):
            return found
        return sorted([*found, cast("Obj", Namespace(metadata=Meta(name=self._name)))], key=lambda one: one.name)


# -- reads of a round, for RBAC


@dataclass(slots=True)
class RecordingReader:
    """An ObjectReader that remembers what it was asked for and what it found."""

    inner: ObjectReader
    reads: dict[tuple[Resource, str, str], KubeObject | None] = field(default_factory=dict)

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return the object, on record."""
        self.reads[kind.RESOURCE, namespace, name] = None
        found = self.inner.get(kind, namespace, name)
        self.reads[kind.RESOURCE, namespace, name] = found
        return found

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return what the inner reader lists."""
        return self.inner.list(kind, namespace, label_selector=label_selector)


class NoBackend:
    """A SecretSource that reads nothing: every entry fails, and no service is called."""

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return a failure a read."""
        return [BackendError("not read", error_class=ErrorClass.BACKEND, permanent=True) for _ in reads]


def recorded_reads(
    session: Session, externals: Sequence[ExternalSecret]
) -> Mapping[tuple[Resource, str, str], KubeObject | None]:
    """Return every object that rounds of these ExternalSecrets read from the cluster."""
    ports = session.rounds.ports
    record = RecordingReader(_AsRead(session))
    recording = replace(ports, reader=record, references=References(record), source=NoBackend(), bucket=Unlimited())
    rounds = Rounds(recording, session.rounds.settings, session.rounds.profile_is_decided, session.rounds.adopt)
    for external in externals:
        rounds.plan(external)
    return record.reads


@dataclass(slots=True)
class _AsRead:
    """The objects of a session as its rounds see them: what its references found, else what its reader has."""

    session: Session

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return an object; files come before live objects, as in a pass."""
        ports = self.session.rounds.ports
        found = ports.references.look(kind, namespace, name)
        if isinstance(found, Found):
            return found.obj
        if isinstance(found, Failed):
            raise found.error
        raise NotFoundError(f"{kind.RESOURCE.kind} {name} not found", status=404)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return what the session's reader lists."""
        return self.session.reader.list(kind, namespace, label_selector=label_selector)


def subjects_of(items: Sequence[Explained]) -> list[Subject]:
    """Return the objects whose entries were admitted."""
    return [Subject(one.external, tuple(one.admitted)) for one in items if isinstance(one.admitted, Sequence)]


def left_out(one: Explained) -> list[str]:
    """Return the entries that no policy covers, with the reason for each."""
    if not isinstance(one.admitted, Sequence):
        return [f"{one.external.ref}: {one.admitted.reason or one.admitted.decision}"]
    refusals = ((entry.entry, entry.refusal or (entry.plan.refusal if entry.plan else None)) for entry in one.admitted)
    return [f"{one.external.ref}: {entry}: {refusal.reason}" for entry, refusal in refusals if refusal is not None]
