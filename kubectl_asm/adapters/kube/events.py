"""Kubernetes Events about our objects, sent in the background: rounds never wait for them and never fail for them.

The same sentence about the same object is sent once an hour. Too many at once are dropped and counted, and may be sent when
they are said again; in a namespace where the caller may not create events none are sent, and that is said once.
Source: spec/operation.md 10; core/v1 Event.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.errors import AccessError, ClusterError
from kubectl_asm.model.backend import without_request_ids
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import Clock, Random

_LOG = logging.getLogger(__name__)

NORMAL: Final = "Normal"
WARNING: Final = "Warning"
REPEAT_S: Final = 3600.0
PER_SECOND: Final = 10.0
BURST: Final = 50.0
_WAITING: Final = 500
_REMEMBERED: Final = 20_000
_LONGEST: Final = 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One Event: about what, type Normal or Warning, a stable reason in CamelCase, a sentence without values."""

    about: KubeObject
    type: str
    reason: str
    message: str


class EventSender:
    """Takes Events and sends them from a thread of its own. component: who reports. instance: which replica."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        random: Random,
        now: Callable[[], datetime],
        *,
        component: str,
        instance: str,
        on_dropped: Callable[[], None] = lambda: None,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._random = random
        self._now = now
        self._component = component
        self._instance = instance
        self._on_dropped = on_dropped
        self._waiting: queue.Queue[Event | None] = queue.Queue(_WAITING)
        self._told: OrderedDict[tuple[str, str, str, str], float] = OrderedDict()
        self._lock = threading.Lock()
        self._forbidden: frozenset[str] = frozenset()
        self._is_closed = False

    def send(self, event: Event) -> None:
        """Queue an Event unless the same was sent lately."""
        if self._is_closed or _namespace(event) in self._forbidden or self._was_told(event):
            return
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            self._untell(event)
            self._on_dropped()

    def run(self) -> None:
        """Send until shutdown: the body of the sender's thread."""
        tokens, since_s = BURST, self._clock.monotonic()
        while True:
            event = self._waiting.get()
            if event is None or self._is_closed:
                return
            now_s = self._clock.monotonic()
            tokens, since_s = min(BURST, tokens + (now_s - since_s) * PER_SECOND), now_s
            if tokens < 1.0 and not self._clock.wait((1.0 - tokens) / PER_SECOND):
                return
            tokens -= 1.0
            try:
                self._post(event)
            except Exception:  # noqa: BLE001  # one that cannot be sent must not keep the others from it
                _LOG.exception("an event was lost")

    def close(self) -> None:
        """Let run end; what still waits is dropped."""
        self._is_closed = True
        with contextlib.suppress(queue.Full):  # then run finds something, and ends as well
            self._waiting.put_nowait(None)

    def _was_told(self, event: Event) -> bool:
        key = _sentence(event)
        now_s = self._clock.monotonic()
        with self._lock:
            told_s = self._told.get(key)
            if told_s is not None and now_s - told_s < REPEAT_S:
                return True
            self._told[key] = now_s
            self._told.move_to_end(key)
            while len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
            return False

    def _untell(self, event: Event) -> None:
        """It was not sent: saying it again is no repetition."""
        with self._lock:
            self._told.pop(_sentence(event), None)

    def _post(self, event: Event) -> None:
        namespace = _namespace(event)
        asked = Asked("create", "events", namespace)
        try:
            self._transport.write("POST", f"/api/v1/namespaces/{namespace}/events", asked, self._body(event, namespace))
        except AccessError as error:
            if error.status == 403 and "because it is being terminated" not in error.message:
                if not self._forbidden:
                    _LOG.info("events may not be created in namespace %s; none are sent there", namespace)
                self._forbidden |= {namespace}
        except ClusterError as error:
            self._untell(event)
            _LOG.debug("an event was lost: %s", error.message)

    def _body(self, event: Event, namespace: str) -> dict[str, object]:
        obj = event.about
        instant = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
        suffix = self._random.token(8).hex()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{obj.name[:200].rstrip('.-')}.{suffix}", "namespace": namespace},
            "involvedObject": {
                "apiVersion": obj.RESOURCE.api_version,
                "kind": obj.RESOURCE.kind,
                "name": obj.name,
                "namespace": obj.namespace,
                "uid": obj.metadata.uid,
                "resourceVersion": obj.metadata.resource_version,
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message[:_LONGEST],
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._instance[:128],
            "firstTimestamp": instant,
            "lastTimestamp": instant,
            "count": 1,
        }


def _namespace(event: Event) -> str:
    """Events about cluster-scoped objects live in the namespace default."""
    return event.about.namespace or "default"


def _sentence(event: Event) -> tuple[str, str, str, str]:
    return event.about.metadata.uid, event.type, event.reason, without_request_ids(event.message)
