"""The watched objects of one kind in memory, and what requests have shown that the watch has not told yet.

A watch lags behind the answers to this process's own requests. An answer (of a write, or of a read that went to the server)
is newer than every version the watch had shown, or an earlier answer had, when the request began, so it stands as long as
the watch shows one of those: an object is seen as this process left it. As soon as the watch shows anything else, the watch
counts. When that cannot be decided, because several requests and events overlapped or a write failed, the object is doubtful
and the next read goes to the server. Versions are compared for equality only.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from kubectl_asm.adapters.feed import ChangeFeed
from kubectl_asm.adapters.kube.collection import Event, Listed, Unreadable
from kubectl_asm.adapters.kube.shapes import BY_METADATA
from kubectl_asm.errors import AccessError, RejectedError
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import Clock

Obj = TypeVar("Obj", bound=KubeObject)
Key = tuple[str, str]

ABSENT: Final = ""
"""The version of an object that does not exist."""
LEAD_S: Final = 30.0
"""A watch that works catches up much sooner; what it has not confirmed by then is read again."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[Obj]):
    """What is known of an object. version: ABSENT when it does not exist; obj: None for contents that are kept elsewhere."""

    version: str
    obj: Obj | None


@dataclass(frozen=True, slots=True)
class _Lead(Generic[Obj]):
    """An answer the watch has not shown yet. superseded: versions it may still show; until_s: monotonic seconds."""

    seen: Seen[Obj]
    superseded: frozenset[str]
    until_s: float


class Question(Generic[Obj]):
    """A request under way. The block that makes it calls answered; one that fails leaves the object doubtful."""

    def __init__(self, copies: Copies[Obj], key: Key) -> None:
        self._copies = copies
        self.key = key
        self.seen_before: frozenset[str] = frozenset()
        self.meanwhile: list[str | None] = []

    def __enter__(self) -> Self:
        self._copies.begin(self)
        return self

    def answered(self, obj: Obj | None) -> None:
        """Take the object as the server now has it, None when it does not exist."""
        self._copies.settle(self, obj)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        changed_nothing = isinstance(error, AccessError | RejectedError)
        self._copies.end(self, is_doubtful=error is not None and not changed_nothing)


class Copies(Generic[Obj]):
    """Objects of one kind by namespace and name. Thread-safe. namespaces: the watched ones, empty for all."""

    def __init__(self, kind: type[Obj], clock: Clock, *, namespaces: Iterable[str] = ()) -> None:
        self.kind = kind
        self.namespaces = frozenset(namespaces) if kind.RESOURCE.namespaced else frozenset[str]()
        self._feed = ChangeFeed()
        self._clock = clock
        self._lock = threading.Lock()
        self._objects: dict[Key, Obj] = {}
        self._unreadable: dict[Key, Unreadable] = {}
        self._leads: dict[Key, _Lead[Obj]] = {}
        self._doubtful: set[Key] = set()
        self._questions: defaultdict[Key, list[Question[Obj]]] = defaultdict(list)
        self._sorted: tuple[Obj, ...] | None = None

    # -- what readers ask

    def covers(self, namespace: str) -> bool:
        """Whether objects of a namespace (empty: of any) are among the watched ones."""
        return not self.namespaces or not namespace or namespace in self.namespaces

    def look(self, namespace: str, name: str) -> Seen[Obj] | None:
        """Return what is known of an object, None when the server has to be asked. Raises the error of an unreadable one."""
        key = (namespace, name)
        with self._lock:
            if key in self._doubtful:
                return None
            lead = self._leads.get(key)
            if lead is not None:
                if self._leads_now(key, lead):
                    return lead.seen
                del self._leads[key]
                self._doubtful.add(key)
                return None
            if bad := self._unreadable.get(key):
                raise bad.error
            return Seen(self._shown(key), self._objects.get(key))

    def list(self, namespace: str) -> Sequence[Obj]:
        """Return the objects of a namespace, or of all, sorted by namespace and name, as this process knows them."""
        with self._lock:
            if self._sorted is None:
                self._sorted = tuple(self._objects[key] for key in sorted(self._objects))
            found = self._sorted
            ahead = {key: lead.seen.obj for key, lead in self._leads.items() if self._leads_now(key, lead)}
        if ahead:
            merged = {(obj.namespace, obj.name): obj for obj in found} | {key: obj for key, obj in ahead.items() if obj}
            found = tuple(merged[key] for key in sorted(merged) if not (key in ahead and ahead[key] is None))
        return [obj for obj in found if not namespace or obj.namespace == namespace]

    def __len__(self) -> int:
        with self._lock:
            return len(self._objects)

    # -- what requests show

    def asking(self, namespace: str, name: str) -> Question[Obj]:
        """Return the context of a request about one object."""
        return Question(self, (namespace if self.kind.RESOURCE.namespaced else "", name))

    def doubt(self, namespace: str, name: str) -> None:
        """Have the next read of an object go to the server."""
        with self._lock:
            self._doubtful.add((namespace, name))

    def begin(self, question: Question[Obj]) -> None:
        """Note which versions are older than the answer will be."""
        with self._lock:
            lead = self._leads.get(question.key)
            shown = self._shown(question.key)
            leads = lead is not None and shown in lead.superseded
            chain = lead.superseded | {lead.seen.version} if lead is not None and leads else frozenset[str]()
            question.seen_before = chain | {shown}
            self._questions[question.key].append(question)

    def settle(self, question: Question[Obj], obj: Obj | None) -> None:
        """Take an answer, unless what happened meanwhile makes it uncertain whether it is the newest."""
        version = ABSENT if obj is None else obj.metadata.resource_version
        key = question.key
        with self._lock:
            others = [one for one in self._questions[key] if one is not question]
            for other in others:
                other.meanwhile.append(None)
            self._doubtful.discard(key)
            if not question.seen_before.issuperset(question.meanwhile):
                self._leads.pop(key, None)
                if question.meanwhile[-1] != version:
                    self._doubtful.add(key)
            elif version in question.seen_before and self._shown(key) == version:
                self._leads.pop(key, None)
            else:
                kept = None if self.kind in BY_METADATA else obj
                until_s = self._clock.monotonic() + LEAD_S
                self._leads[key] = _Lead(Seen(version, kept), question.seen_before - {version}, until_s)

    def end(self, question: Question[Obj], *, is_doubtful: bool) -> None:
        """Forget a request that is over."""
        with self._lock:
            rest = [one for one in self._questions[question.key] if one is not question]
            if rest:
                self._questions[question.key] = rest
            else:
                del self._questions[question.key]
            if is_doubtful:
                self._doubtful.add(question.key)

    # -- what the watch shows

    def replace(self, namespace: str, listed: Listed[Obj]) -> None:
        """Take a whole list of a namespace (or of all): whatever it does not hold has vanished."""
        fresh = {(obj.namespace, obj.name): obj for obj in listed.objects}
        bad = {(one.name.namespace, one.name.name): one for one in listed.unreadable}
        with self._lock:
            for key in [key for key in self._objects if not namespace or key[0] == namespace]:
                if key not in fresh:
                    self._drop(key)
            for key in [key for key in self._unreadable if not namespace or key[0] == namespace]:
                if key not in bad:
                    del self._unreadable[key]
            for key, obj in fresh.items():
                self._put(key, obj)
            self._unreadable |= bad
        self._feed.tell()

    def take(self, event: Event[Obj]) -> None:
        """Take one event of the watch."""
        found = event.found
        if found is None:
            return
        with self._lock:
            if isinstance(found, Unreadable):
                key = (found.name.namespace, found.name.name)
                self._drop(key)
                self._unreadable.pop(key, None)
                if event.what == "put":
                    self._unreadable[key] = found
            else:
                key = (found.namespace, found.name)
                self._unreadable.pop(key, None)
                self._put(key, found) if event.what == "put" else self._drop(key)
        self._feed.tell()

    def open(self) -> None:
        """Tell subscribers of every change from now on."""
        with self._lock:
            self._feed.open()

    def subscribe(self, told: Callable[[Obj | None, Obj | None], None]) -> None:
        """Have changes told, beginning with what is here when the feed is open."""
        with self._lock:
            self._feed.add(self.kind, told, tuple(self._objects.values()))
        self._feed.tell()

    # -- under the lock

    def _leads_now(self, key: Key, lead: _Lead[Obj]) -> bool:
        return self._shown(key) in lead.superseded and self._clock.monotonic() <= lead.until_s

    def _shown(self, key: Key) -> str:
        obj = self._objects.get(key)
        if obj is not None:
            return obj.metadata.resource_version
        bad = self._unreadable.get(key)
        return bad.name.resource_version if bad is not None else ABSENT

    def _put(self, key: Key, obj: Obj) -> None:
        old = self._objects.get(key)
        if old is not None and old.metadata.resource_version == obj.metadata.resource_version:
            return
        self._objects[key] = obj
        self._sorted = None
        self._noticed(key, obj.metadata.resource_version)
        self._feed.record(old, obj)

    def _drop(self, key: Key) -> None:
        old = self._objects.pop(key, None)
        if old is None:
            return
        self._sorted = None
        self._doubtful.discard(key)
        self._noticed(key, ABSENT)
        self._feed.record(old, None)

    def _noticed(self, key: Key, version: str) -> None:
        for question in self._questions.get(key, ()):
            question.meanwhile.append(version)
        lead = self._leads.get(key)
        if lead is not None and version not in lead.superseded:
            del self._leads[key]
