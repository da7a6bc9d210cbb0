"""Keeping temporary credentials: asked for once, used by all, renewed before they end.

Source: spec/auth.md 8.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kubectl_asm.adapters.credentials.base import Credentials, WallClock
from kubectl_asm.model.backend import BackendError
from kubectl_asm.ports import Random

DueRule = Callable[[datetime, datetime], datetime]
"""From (issued, expires) to the instant from which a renewal is tried."""

ROLE_WINDOW: Final = timedelta(minutes=10)
WORKER_WINDOW: Final = timedelta(minutes=30)
_PAUSE: Final = timedelta(seconds=10)


def last_fifth(issued: datetime, expires: datetime) -> datetime:
    """Due when the last fifth of the total life begins."""
    return issued + (expires - issued) * 0.8


def before_end(window: timedelta, random: Random) -> DueRule:
    """Due a window before the end, up to a minute earlier by chance; a life no longer than the window: in its last fifth."""

    def due(issued: datetime, expires: datetime) -> datetime:
        instant = expires - window - timedelta(seconds=random.uniform(0, 60))
        return instant if instant > issued else last_fifth(issued, expires)

    return due


@dataclass(frozen=True, slots=True)
class _Held:
    credentials: Credentials
    due_at: datetime


class RefreshingCredentials:
    """A CredentialProvider around a call that gives temporary credentials.

    One call at a time; those who waited for a failed call share its failure. A failed renewal keeps the credentials in
    use until they really end, and is not tried again for ten seconds.

    silence: for how long a service that did not answer is not asked again; those who ask meanwhile are told its failure.
    """

    def __init__(
        self, fetch: Callable[[], Credentials], due: DueRule, now: WallClock, *, silence: timedelta = timedelta()
    ) -> None:
        self._fetch = fetch
        self._due = due
        self._now = now
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._attempts = 0
        self._failure: BackendError | None = None
        self._silence = silence
        self._silent_until: datetime | None = None

    def credentials(self) -> Credentials:
        """Return credentials that are good now; raises what fetch raises."""
        held, attempts = self._held, self._attempts
        if held is not None and self._now() < held.due_at:
            return held.credentials
        with self._lock:
            held = self._held
            if held is not None and self._now() < held.due_at:
                return held.credentials
            if self._failure is not None and self._attempts != attempts:
                raise copy.copy(self._failure)
            if self._failure is not None and self._silent_until is not None and self._now() < self._silent_until:
                raise _final(self._failure)
            return self._renew(held)

    def _renew(self, held: _Held | None) -> Credentials:
        issued = self._now()
        try:
            fresh = self._fetch()
        except BackendError as error:
            self._attempts += 1
            expires = held.credentials.expires_at if held else None
            if held is None or expires is None or self._now() >= expires:
                self._failure = error
                self._silent_until = self._now() + self._silence if error.network is not None else None
                raise
            self._held = _Held(held.credentials, min(self._now() + _PAUSE, expires))
            return held.credentials
        self._attempts += 1
        self._failure = None
        assert fresh.expires_at is not None
        self._held = _Held(fresh, self._due(issued, fresh.expires_at))
        return fresh


def _final(failure: BackendError) -> BackendError:
    """Return a failure that is told again: nobody has to try once more, the words stay."""
    told = copy.copy(failure)
    told.permanent = True
    return told
