"""Follows one collection for as long as the process runs: list, watch, and again from where the watch ended.

Never busy: every attempt that is over too soon is followed by a wait that grows from half a second to thirty. Never deaf
either: the server sends a bookmark about once a minute, so a connection that is silent for SILENCE_S is taken for dead (a
load balancer that forgot it, a node that vanished) and a new watch begins where the old one was. A server without a watch
cache sends no bookmarks; there a quiet watch costs one more request every SILENCE_S and nothing else.
Source: design of Kubernetes informers (reflector.go) for what the server promises; the timings are ours.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from kubectl_asm.adapters.kube.collection import Collection, ExpiredError, GarbledError, Listed
from kubectl_asm.adapters.kube.copies import Copies
from kubectl_asm.adapters.kube.errors import UNKNOWN_KIND
from kubectl_asm.adapters.kube.stream import Stream
from kubectl_asm.errors import AccessError, AsmError, ClusterError
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import Clock, Random

Obj = TypeVar("Obj", bound=KubeObject)

_LOG = logging.getLogger(__name__)

SILENCE_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of a watch, in seconds.

    watch: range out of which the length of each watch is drawn, so that they do not all end together. silence: see above.
    first, longest: waits after failures, before a jitter of 20 %. healthy: a watch that lived this long ended well and
    resets them. slow: shortest wait while the server refuses (403) or does not serve the kind. longest_stated: most that a
    Retry-After is believed. starting: how long a server that starts may say of a kind it served before that it does not
    know it (404) or that it is forbidden (403), because definitions and rights are not loaded yet. relist: age of a list
    after which the next watch begins with a new one, which repairs whatever went wrong unnoticed (a storage restored from a
    backup, for example).
    """

    watch: tuple[float, float] = (300.0, 600.0)
    silence: float = SILENCE_S
    first: float = 0.5
    longest: float = 30.0
    healthy: float = 10.0
    slow: float = 60.0
    longest_stated: float = 300.0
    starting: float = 60.0
    relist: float = 6 * 3600.0


class BackOff:
    """How long to wait before the next attempt: doubling, with jitter, as long as attempts fail."""

    def __init__(self, random: Random, timing: Timing) -> None:
        self._random = random
        self._timing = timing
        self._failures = 0

    def after(self, lived_s: float, *, failed: bool, stated_s: float | None = None) -> float:
        """Return seconds to wait after a watch that lived so long. stated_s: what the server asked for."""
        if lived_s >= self._timing.healthy:
            self._failures = 0
            if not failed:
                return self._random.uniform(0.0, self._timing.first)
        base_s = min(self._timing.first * 2.0 ** min(self._failures, 16), self._timing.longest)
        self._failures += 1
        wait_s = base_s * self._random.uniform(0.8, 1.2)
        return max(wait_s, min(stated_s, self._timing.longest_stated)) if stated_s is not None else wait_s

    def slowly(self) -> float:
        """Return seconds to wait before something is asked again that will hardly change soon."""
        return self._timing.slow * self._random.uniform(1.0, 1.4)


class Reflector(Generic[Obj]):
    """Keeps copies like a collection. run is for a thread of its own; everything else may be asked by others."""

    def __init__(
        self, collection: Collection[Obj], copies: Copies[Obj], *, clock: Clock, random: Random, timing: Timing | None = None
    ) -> None:
        self.collection = collection
        self._copies = copies
        self._clock = clock
        self._random = random
        self._timing = timing or Timing()
        self._back_off = BackOff(random, self._timing)
        self._version: str | None = None
        self._listed_s = 0.0
        self._opened_s: float | None = None
        self._contact_s: float | None = None
        self._failed_watches = 0
        self._is_synced = False
        self._is_unserved = False
        self._is_known = False
        self._refused_s: float | None = None
        self._problem: AsmError | None = None
        self._stopped = threading.Event()
        self._stream: Stream | None = None

    # -- what others ask

    @property
    def is_synced(self) -> bool:
        """Whether the copies hold everything there was at some time. A kind that is not served is complete and empty."""
        return self._is_synced

    @property
    def is_refused(self) -> bool:
        """Whether the server's last word was that this may not be read."""
        return isinstance(self._problem, AccessError)

    @property
    def is_unserved(self) -> bool:
        """Whether the API server does not know the kind."""
        return self._is_unserved

    @property
    def problem(self) -> AsmError | None:
        """Why the latest attempt failed, None while the watch is in order."""
        return self._problem

    @property
    def contact_age_s(self) -> float | None:
        """Seconds since the server's last sign of life on this watch, None before the first."""
        return None if self._contact_s is None else self._clock.monotonic() - self._contact_s

    def stop(self) -> None:
        """End run soon. A watch that waits for events is cut off."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.interrupt()

    # -- the loop

    def run(self) -> None:
        """Follow the collection until stop is called or shutdown is requested."""
        while self.step():
            pass

    def step(self) -> bool:
        """Make one attempt: list when there is no version to go on from, watch until that ends, wait. False at the end."""
        self._opened_s = None
        try:
            self._follow()
        except AsmError as error:
            wait_s = self._after_failure(error)
        except Exception as error:  # noqa: BLE001  # a bug must not silently end the watch of a kind
            _LOG.exception("bug in the watch of %s", self.collection)
            wait_s = self._after_failure(ClusterError(f"the watch of {self.collection} met a bug: {type(error).__name__}"))
        else:
            wait_s = self._back_off.after(self._lived_s(), failed=False)
        return not self._stopped.is_set() and self._clock.wait(wait_s) and not self._stopped.is_set()

    def _follow(self) -> None:
        if self._version is None or self._clock.monotonic() - self._listed_s > self._timing.relist:
            self._list()
        self._watch(self._version or "")

    def _list(self) -> None:
        self._listed_s = self._clock.monotonic()
        listed = self.collection.list()
        for bad in listed.unreadable:
            _LOG.warning("%s", bad.error.message)
        self._copies.replace(self.collection.namespace, listed)
        self._version = listed.version
        self._is_synced, self._is_unserved, self._is_known = True, False, True
        self._touch()

    def _watch(self, version: str) -> None:
        low, high = self._timing.watch
        timeout_s = round(self._random.uniform(low, high))
        with self.collection.open(version, timeout_s=timeout_s, silence_s=self._timing.silence) as stream:
            self._stream = stream
            if self._stopped.is_set():  # stop may have looked before the stream was there
                stream.interrupt()
            self._opened_s = self._clock.monotonic()
            self._touch()
            self._recovered()
            try:
                for event in self.collection.events(stream):
                    self._touch()
                    self._copies.take(event)
                    self._version = event.version or self._version
                    self._failed_watches = 0
            finally:
                self._stream = None

    def _lived_s(self) -> float:
        return 0.0 if self._opened_s is None else self._clock.monotonic() - self._opened_s

    # -- how it went

    def _touch(self) -> None:
        self._contact_s = self._clock.monotonic()

    def _recovered(self) -> None:
        if self._problem is not None:
            _LOG.info("the watch of %s works again", self.collection)
        self._problem = self._refused_s = None

    def _after_failure(self, error: AsmError) -> float:
        """Say what went wrong, once; return the seconds to wait before the next attempt."""
        if self._stopped.is_set():
            return 0.0
        lived_s = self._lived_s()
        if isinstance(error, ExpiredError):
            self._version = None
        elif isinstance(error, ClusterError) and error.reason == UNKNOWN_KIND:
            return self._unserved(error)
        elif lived_s >= self._timing.healthy and not isinstance(error, GarbledError):
            return self._back_off.after(lived_s, failed=True)  # the connection broke; whether more is wrong shows next
        elif _may_be_the_version(error):
            self._failed_watches += 1
            if self._failed_watches % 3 == 0:
                self._version = None
        self._report(error)
        if isinstance(error, AccessError) and not self._may_be_starting():
            return self._back_off.slowly()
        stated_s = error.retry_after_s if isinstance(error, ClusterError) else None
        return self._back_off.after(lived_s, failed=True, stated_s=stated_s)

    def _unserved(self, error: ClusterError) -> float:
        """Take the kind for empty, unless the server may only be starting."""
        self._version = None
        self._report(error)
        if self._may_be_starting():
            return self._back_off.after(0.0, failed=True)
        if not self._is_unserved:
            self._copies.replace(self.collection.namespace, Listed(""))
        self._is_synced = self._is_unserved = True
        self._touch()
        return self._back_off.slowly()

    def _may_be_starting(self) -> bool:
        """Whether a refusal is too young to be believed. What was never granted is refused for good."""
        now_s = self._clock.monotonic()
        self._refused_s = now_s if self._refused_s is None else self._refused_s
        return self._is_known and now_s - self._refused_s < self._timing.starting

    def _report(self, error: AsmError) -> None:
        if self._problem is None or self._problem.message != error.message:
            hint = f" ({error.hint})" if error.hint else ""
            _LOG.warning("the watch of %s does not work: %s%s", self.collection, error.message, hint)
        self._problem = error


def _may_be_the_version(error: AsmError) -> bool:
    """Whether the server may be unable to go on from the version it was given, though it does not say so with a 410."""
    if isinstance(error, GarbledError):
        return True
    return isinstance(error, ClusterError) and error.status not in (0, 401, 403, 429, 503)
