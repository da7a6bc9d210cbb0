"""What rules know besides one object: settings and which of them are known, the other objects, and the engine's readers.

Source: lint corpus README section 4; spec/lint.md 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, TypeVar

import msgspec

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.admit import DATA, Entry, entries_of, provider_of
from kubectl_asm.engine.expand import child_name
from kubectl_asm.engine.lookups import References
from kubectl_asm.errors import NotFoundError
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import DataSource, ExternalSecret
from kubectl_asm.model.objects import KubeObject, Meta, Namespace
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.near import NearIndex
from kubectl_asm.rules.subjects import Subject

Version = tuple[int, ...]
Obj = TypeVar("Obj", bound=KubeObject)


TOLD_BY_COMPONENT: Final = frozenset({"region", "kms_endpoint", "cluster_id", "uid"})
"""Settings that only the running component knows: nothing is concluded from their defaults."""


class Choices(msgspec.Struct, frozen=True):
    """How a run judges. unknown: settings nobody told; target: version of the running controller, None to say nothing.

    absent: (kind, namespace, name) of what a cluster was asked for and does not hold.
    """

    settings: Settings = msgspec.field(default_factory=Settings)
    unknown: frozenset[str] = TOLD_BY_COMPONENT
    target: Version | None = None
    closed_world: bool = False
    namespace: str = "default"
    absent: frozenset[tuple[str, str, str]] | None = None


class EntryAt(msgspec.Struct, frozen=True):
    """One backend read with the path of its source."""

    entry: Entry
    path: Path

    @property
    def source(self) -> DataSource:
        """The source itself."""
        return self.entry.source

    @property
    def is_extract(self) -> bool:
        """Whether it is the extract of a dataProcess element."""
        return self.entry.side != DATA


class Target(msgspec.Struct, frozen=True, dict=True):
    """The ExternalSecret of a subject: itself, or the child a ClusterExternalSecret stamps. base: path of its spec.

    namespace: empty for a child, whose namespaces are several.
    """

    external: ExternalSecret
    base: Path
    namespace: str
    subject: Subject

    @cached_property
    def all_entries(self) -> tuple[EntryAt, ...]:
        """Every entry in the order of the manifest."""
        return tuple(
            EntryAt(entry, (*self.base, entry.side, *((entry.index,) if entry.side == DATA else (entry.index, "extract"))))
            for entry in entries_of(self.external)
        )

    def entries(self) -> Iterator[EntryAt]:
        """Yield every entry in the order of the manifest."""
        return iter(self.all_entries)

    @cached_property
    def provider(self) -> Provider | None:
        """The provider, None for a word that is none."""
        return provider_of(self.external)

    @property
    def template_path(self) -> Path:
        """Path of spec.target.template."""
        return (*self.base, "target", "template")


class RuleContext:
    """Everything a rule may ask. One for each run."""

    def __init__(self, choices: Choices, subjects: Sequence[Subject]) -> None:
        self.choices = choices
        self.settings = choices.settings
        self.closed_world = choices.closed_world
        self.target = choices.target
        self.subjects = subjects
        self.references = References(InputReader(self))
        self.near_misses: dict[tuple[str, str, str], str] = {}
        self._near: dict[tuple[str, str], NearIndex] = {}

    def is_known(self, *names: str) -> bool:
        """Return whether the values of these settings are known, so that something may be said about them."""
        return not any(name in self.choices.unknown for name in names)

    def is_absent(self, kind: str, namespace: str, name: str) -> bool:
        """Return whether a cluster was asked for an object and has none of that name."""
        return self.choices.absent is not None and (kind, namespace, name) in self.choices.absent

    def absence(self, kind: str, namespace: str, name: str) -> Severity | None:
        """Return how serious it is that an object is not in the input; None where it may exist elsewhere.

        Without a cluster only a closed world says that it does not exist; with one, what may not be read stays unknown.
        """
        if self.choices.absent is not None and not self.is_absent(kind, namespace, name):
            return None
        if self.closed_world:
            return Severity.ERROR
        return Severity.WARNING if self.choices.absent is not None else None

    @cached_property
    def by_ref(self) -> Mapping[tuple[str, str, str], Subject]:
        """Subjects of known kinds by kind, namespace and name; the first of equals."""
        found: dict[tuple[str, str, str], Subject] = {}
        for subject in self.subjects:
            if subject.obj is not None:
                found.setdefault((subject.kind, subject.namespace, subject.name), subject)
        return found

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[Subject, ...]]:
        """Subjects of known kinds by kind."""
        found: dict[str, list[Subject]] = {}
        for subject in self.subjects:
            if subject.obj is not None:
                found.setdefault(subject.kind, []).append(subject)
        return {kind: tuple(subjects) for kind, subjects in found.items()}

    @cached_property
    def first_with_target(self) -> Mapping[tuple[str, str], Subject]:
        """The first ExternalSecret that writes a Secret, by namespace and name of the Secret."""
        found: dict[tuple[str, str], Subject] = {}
        for subject in self.by_kind.get("ExternalSecret", ()):
            if isinstance(subject.obj, ExternalSecret):
                found.setdefault((subject.namespace, subject.obj.target_name), subject)
        return found

    @cached_property
    def namespaces(self) -> tuple[str, ...]:
        """Names of all namespaces that occur in the input."""
        named = {subject.namespace for subject in self.subjects if subject.namespace}
        named.update(subject.name for subject in self.by_kind.get("Namespace", ()))
        return tuple(sorted(named))

    @cached_property
    def names_in(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """Names of the input's objects by kind and namespace."""
        found: dict[tuple[str, str], set[str]] = {}
        for kind, namespace, name in self.by_ref:
            found.setdefault((kind, namespace), set()).add(name)
        return {key: frozenset(names) for key, names in found.items()}

    def near_names(self, kind: str, namespace: str, name: str) -> tuple[str, ...]:
        """Return the names of the input's objects of a kind and namespace that are nearly a name."""
        index = self._near.get((kind, namespace))
        if index is None:
            index = self._near[kind, namespace] = NearIndex(self.names_in.get((kind, namespace), ()))
        return index.near(name)

    @cached_property
    def namespaces_with(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """Namespaces that hold an object of a kind and name, sorted."""
        found: dict[tuple[str, str], list[str]] = {}
        for kind, namespace, name in sorted(self.by_ref):
            found.setdefault((kind, name), []).append(namespace)
        return {key: tuple(namespaces) for key, namespaces in found.items()}

    def find(self, kind: str, namespace: str, name: str) -> Subject | None:
        """Return an object of the input."""
        return self.by_ref.get((kind, namespace, name))

    def namespace(self, name: str) -> Namespace | None:
        """Return a Namespace as far as it is known: of the input, or with its automatic label in a closed world."""
        subject = self.find("Namespace", "", name)
        if subject is not None and isinstance(subject.obj, Namespace):
            return subject.obj
        return Namespace(metadata=Meta(name=name)) if self.closed_world else None


def target_of(subject: Subject) -> Target | None:
    """Return the ExternalSecret behind a subject, None for other kinds."""
    found: Target | None = subject.memo.get("target")
    if found is None and isinstance(subject.obj, ExternalSecret | ClusterExternalSecret):
        found = subject.memo["target"] = _target(subject, subject.obj)
    return found


def _target(subject: Subject, obj: ExternalSecret | ClusterExternalSecret) -> Target:
    if isinstance(obj, ExternalSecret):
        return Target(obj, ("spec",), subject.namespace, subject)
    child = ExternalSecret(metadata=Meta(name=child_name(obj)), spec=obj.spec.external_secret_spec)
    return Target(child, ("spec", "externalSecretSpec"), "", subject)


class InputReader:
    """The input set as a cluster, for the engine's resolvers (ports.ObjectReader)."""

    def __init__(self, context: RuleContext) -> None:
        self._context = context

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object of the input. Raises NotFoundError."""
        found: KubeObject | None
        if kind is Namespace:
            found = self._context.namespace(name)
        else:
            subject = self._context.find(kind.RESOURCE.kind, namespace, name)
            found = subject.obj if subject else None
        if not isinstance(found, kind):
            raise NotFoundError(f"{kind.RESOURCE.kind} {name} is not in the input")
        return found

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:  # noqa: ARG002
        """Return the objects of a kind; label selectors are not used by resolvers."""
        return [
            one for one in _objects(self._context.by_kind.get(kind.RESOURCE.kind, ()), kind) if namespace in ("", one.namespace)
        ]


def _objects(subjects: Iterable[Subject], kind: type[Obj]) -> list[Obj]:
    return [subject.obj for subject in subjects if isinstance(subject.obj, kind)]
