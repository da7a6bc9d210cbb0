"""What a round decided, as data: one Plan that render prints, diff compares and sync executes.

Source: conformance vocabulary for decisions; spec/writes-and-failures.md 7 for outcomes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import timedelta

from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.model.externalsecret import ExternalSecret, SyncResult
from kubectl_asm.model.objects import Secret


class Decision(enum.StrEnum):
    """What the round does to the target Secret."""

    CREATE = "create"
    UPDATE = "update"
    IN_SYNC = "in-sync"
    SKIP = "skip"
    GUARD = "guard"
    DELETE = "delete"
    ABORT = "abort"
    REJECTED = "rejected"
    CLEANUP = "cleanup"
    IGNORED = "ignored"


WRITING = frozenset({Decision.CREATE, Decision.UPDATE, Decision.IN_SYNC})
"""Decisions after which the target holds what was asked for."""


@dataclass(frozen=True, slots=True)
class Done:
    """The round is over; run again after a while, or never by time (None)."""

    again_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """The round failed and is repeated with back-off. reason: safe to show."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The round was dropped and is repeated after a fixed delay."""

    delay: timedelta


Outcome = Done | Retry | RetryAfter


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A status entry about the round itself: key and reason of spec/status.md 2. transient: see status.merge."""

    key: str
    reason: str
    status: str = "Failed"


@dataclass(frozen=True, slots=True)
class EntryReport:
    """What became of one entry: its keys, or the reason why there are none and what to do about it. No values."""

    admission: EntryAdmission
    keys: tuple[str, ...] = ()
    error: str = ""
    error_class: str = ""
    notes: tuple[str, ...] = ()
    hint: str = ""

    @property
    def failed(self) -> bool:
        """Whether the entry contributed nothing because of an error."""
        return bool(self.error)


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One step of the story of a key: which stage did what. No values."""

    stage: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one round decided. secret: what to create or update; delete: the target to remove.

    data_status: fresh data entries for the status, None when this round writes none. synthetic: entries about the round.
    warnings: for people, not for the status. reason: one sentence for the decision, where it needs one.
    """

    external: ExternalSecret
    decision: Decision
    outcome: Outcome
    secret: Secret | None = None
    current: Secret | None = None
    delete: Secret | None = None
    add_finalizer: bool = False
    remove_finalizer: bool = False
    data_status: tuple[SyncResult, ...] | None = None
    synthetic: tuple[Synthetic, ...] = ()
    forces_status: bool = False
    quiet: bool = False
    entries: tuple[EntryReport, ...] = ()
    warnings: tuple[str, ...] = ()
    reason: str = ""
    trace: tuple[TraceLine, ...] = field(default=())

    @property
    def is_partial(self) -> bool:
        """Whether some entry failed in this round."""
        return any(entry.failed for entry in self.entries)
