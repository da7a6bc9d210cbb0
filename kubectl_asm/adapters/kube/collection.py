"""List and watch of one kind in one namespace (or in all): requests and the meaning of their answers, no memory.

Source: Kubernetes API concepts, "Efficient detection of changes"; spec/controller.md 4.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import msgspec

from kubectl_asm.adapters.kube.codec import ListMeta
from kubectl_asm.adapters.kube.errors import Asked, error_of_reply
from kubectl_asm.adapters.kube.paths import collection_path
from kubectl_asm.adapters.kube.reader import DEFAULT_CHUNK_SIZE
from kubectl_asm.adapters.kube.shapes import ObjectName, accept, decode_kept, name_of
from kubectl_asm.adapters.kube.stream import Stream
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import KubeObject

Obj = TypeVar("Obj", bound=KubeObject)

_LOG = logging.getLogger(__name__)


class ExpiredError(ClusterError):
    """The version to watch from is not kept by the server any more (410): list again."""


class GarbledError(ClusterError):
    """The stream holds something that is no event of a watch."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that exists and does not decode. error: says why, without values."""

    name: ObjectName
    error: ClusterError


@dataclass(frozen=True, slots=True)
class Listed(Generic[Obj]):
    """Everything there is at a version."""

    version: str
    objects: list[Obj] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event(Generic[Obj]):
    """One event. version: to go on from; found: the object after (put) or before (drop) the change, None for a bookmark."""

    what: Literal["put", "drop", "bookmark"]
    version: str
    found: Obj | Unreadable | None = None


class _RawList(msgspec.Struct, frozen=True):
    items: list[msgspec.Raw] | None = None
    metadata: ListMeta = ListMeta()


class _RawEvent(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _Failure(msgspec.Struct, frozen=True):
    code: int = 0
    reason: str = ""


class Collection(Generic[Obj]):
    """The objects of a kind. namespace: empty for all. lists and watches may be different transports of one server."""

    def __init__(
        self,
        kind: type[Obj],
        namespace: str,
        lists: Transport,
        watches: Transport,
        *,
        chunk_size: int = DEFAULT_CHUNK_SIZE,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self._lists = lists
        self._watches = watches
        self._chunk_size = chunk_size
        self._path = collection_path(kind, namespace)

    def __str__(self) -> str:
        scope = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind.RESOURCE.full_name}{scope}"

    def list(self) -> Listed[Obj]:
        """Read everything, page by page; in one piece when the pages expire meanwhile. Raises ClusterError."""
        try:
            return self._pages(self._chunk_size)
        except ClusterError as error:
            if error.status != 410:
                raise
            return self._pages(0)

    def _pages(self, limit: int) -> Listed[Obj]:
        asked = Asked("list", self.kind.RESOURCE.full_name, self.namespace)
        objects: list[Obj] = []
        unreadable: list[Unreadable] = []
        query: dict[str, str | int] = {"limit": limit} if limit else {}
        while True:
            body = self._lists.read(self._path, asked, query, accept=accept(self.kind, listing=True)).body
            page = _page(body)
            for raw in page.items or ():
                found = _found(self.kind, bytes(raw))
                unreadable.append(found) if isinstance(found, Unreadable) else objects.append(found)
            if not page.metadata.more:
                return Listed(page.metadata.resource_version, objects, unreadable)
            query["continue"] = page.metadata.more

    def open(self, version: str, *, timeout_s: int, silence_s: float) -> Stream:
        """Ask for the changes since a version; the caller closes the answer. Raises ExpiredError, ClusterError.

        timeout_s: when the server shall end it; silence_s: when a connection that gives no sign of life counts as dead.
        """
        asked = Asked("watch", self.kind.RESOURCE.full_name, self.namespace)
        query: dict[str, str | int] = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": timeout_s}
        if version:
            query["resourceVersion"] = version
        form = accept(self.kind, listing=False)
        try:
            return self._watches.stream(self._path, asked, query, accept=form, silence_s=silence_s)
        except ClusterError as error:
            raise _expired(error) if error.status == 410 else error from None

    def events(self, stream: Stream) -> Iterator[Event[Obj]]:
        """Yield the events of an answer. Raises ExpiredError, GarbledError, other ClusterErrors for what else went wrong."""
        for line in stream.lines():
            event = self._event(line)
            if event is not None:
                yield event

    def _event(self, line: bytes) -> Event[Obj] | None:
        try:
            raw = msgspec.json.decode(line, type=_RawEvent)
        except msgspec.MsgspecError:
            raise GarbledError(f"the watch of {self} sent a line that is no event") from None
        body = bytes(raw.object)
        match raw.type:
            case "ADDED" | "MODIFIED":
                return _of_object("put", _found(self.kind, body))
            case "DELETED":
                return _of_object("drop", _found(self.kind, body))
            case "BOOKMARK":
                return Event("bookmark", name_of(body).resource_version)
            case "ERROR":
                raise self._failure(body)
        _LOG.warning("the watch of %s sent an event of an unknown type; it is ignored", self)
        return None

    def _failure(self, body: bytes) -> ClusterError:
        try:
            code = msgspec.json.decode(body, type=_Failure).code
        except msgspec.MsgspecError:
            return GarbledError(f"the watch of {self} sent an error that cannot be read")
        asked = Asked("watch", self.kind.RESOURCE.full_name, self.namespace)
        error = error_of_reply(code or 500, {}, body, asked)
        return _expired(error) if code == 410 else error


def _expired(error: ClusterError) -> ExpiredError:
    return ExpiredError(error.message, status=410, reason=error.reason, retry_after_s=error.retry_after_s)


def _page(body: bytes) -> _RawList:
    try:
        return msgspec.json.decode(body, type=_RawList)
    except msgspec.MsgspecError:
        raise ClusterError("the answer to a list is not JSON of a list") from None


def _found(kind: type[Obj], body: bytes) -> Obj | Unreadable:
    try:
        return decode_kept(kind, body)
    except ClusterError as error:
        return Unreadable(name_of(body), error)


def _of_object(what: Literal["put", "drop"], found: Obj | Unreadable) -> Event[Obj]:
    version = found.name.resource_version if isinstance(found, Unreadable) else found.metadata.resource_version
    return Event(what, version, found)
