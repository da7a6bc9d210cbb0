"""The failure contract: what a round with failed entries may do, and which old keys it keeps. Pure.

Never lose a key because a read failed: a partly failed round keeps what it could not read, a templated one writes
nothing, a totally failed one deletes only when that was asked for.
Source: spec/writes-and-failures.md 3 to 5.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubectl_asm.engine.admit import DATA, Entry
from kubectl_asm.engine.entries import Keys, output_names
from kubectl_asm.engine.plan import EntryReport
from kubectl_asm.engine.status import FAILED, SUCCEEDED
from kubectl_asm.model.externalsecret import DataSource, ExternalSecret, SyncResult
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings


class Action(enum.Enum):
    """What the skip rule allows."""

    WRITE = enum.auto()
    MERGE = enum.auto()
    SKIP = enum.auto()
    DELETE = enum.auto()


@dataclass(frozen=True, slots=True)
class Counters:
    """The numbers the contract is made of. failed_keys counts exempt failures too; uncounted holds what is exempt."""

    total: int
    failed_sources: int
    failed_keys: int
    reported: tuple[SyncResult, ...]

    @property
    def all_failed(self) -> bool:
        """Whether every source failed without exemption."""
        return self.total > 0 and self.failed_sources == self.total

    @property
    def data_status(self) -> tuple[SyncResult, ...]:
        """The data entries of the status: failures, or exactly one success."""
        return self.reported or (SyncResult(status=SUCCEEDED),)


def count(reports: Sequence[EntryReport], fresh: Mapping[str, SecretBytes]) -> Counters:
    """Return the counters of a round. reports: every entry in fetch order; fresh: keys before templates."""
    errors = _error_slots(reports)
    succeeded = {(_side(report), report.admission.entry.source.key) for report in reports if not report.failed}
    reported: dict[tuple[str, str], SyncResult] = {}
    failed_sources = 0
    for report in reports:
        slot = (_side(report), report.admission.entry.source.key)
        if slot not in errors or (not report.failed and slot in succeeded):
            continue
        if slot in succeeded and _is_covered(report.admission.entry, fresh):
            continue
        failed_sources += 1
        reported.setdefault(slot, SyncResult(slot[1], FAILED, errors[slot]))
    return Counters(len(reports), failed_sources, len({key for _, key in errors}), tuple(reported.values()))


def _side(report: EntryReport) -> str:
    return report.admission.entry.side


def _error_slots(reports: Sequence[EntryReport]) -> dict[tuple[str, str], str]:
    """One slot a side and backend key; the last error of a slot stays."""
    return {(_side(report), report.admission.entry.source.key): report.error for report in reports if report.failed}


def _is_covered(entry: Entry, fresh: Mapping[str, SecretBytes]) -> bool:
    """Whether the keys of a failed twin are present; an extract twin always counts as covered."""
    if entry.side != DATA:
        return True
    source = entry.source
    if not source.jmes_path:
        return source.target_key in fresh
    aliases = (rule.object_alias or source.key for rule in source.jmes_path)
    return all(alias in fresh for alias in aliases) or source.target_key in fresh


def choose_action(counters: Counters, *, templated: bool, is_empty: bool, settings: Settings) -> Action:
    """Return what the skip rule says (spec/writes-and-failures.md 4). is_empty: the dataset of the round."""
    if counters.failed_keys == 0:
        return Action.WRITE
    if counters.all_failed:
        return Action.DELETE if settings.cleanup_secret_on_failure else Action.SKIP
    return Action.SKIP if templated or is_empty else Action.MERGE


def merge_dataset(
    external: ExternalSecret, reports: Sequence[EntryReport], fresh: Keys, current: Mapping[str, SecretBytes]
) -> tuple[Keys, tuple[str, ...]]:
    """Return (dataset, retained keys) of a partly failed round (spec/writes-and-failures.md 5)."""
    failed = {(_side(report), report.admission.entry.source.key) for report in reports if report.failed}
    if any(side != DATA for side, _ in failed):
        wanted = set(current)
    else:
        wanted = {key for source in external.spec.data if (DATA, source.key) in failed for key in _retainable(source)}
    retained = {key: value for key, value in current.items() if key in wanted and key not in fresh}
    return {**fresh, **retained}, tuple(sorted(retained))


def _retainable(source: DataSource) -> tuple[str, ...]:
    return output_names(source)
