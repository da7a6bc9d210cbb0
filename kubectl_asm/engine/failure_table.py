"""What failing sources would do to the target of one ExternalSecret: the failure contract, asked beforehand. Pure.

Nothing is re-implemented: every row is the answer of contract.count, choose_action and merge_dataset for that scenario.
Source: spec/writes-and-failures.md 3 to 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kubectl_asm.engine import contract
from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.contract import Action
from kubectl_asm.engine.forecast import entry_keys
from kubectl_asm.engine.plan import EntryReport
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings

_ANY: Final = SecretBytes(b"")
_STRANGER: Final = "\0any other key"
ALL_FAIL: Final = "every source fails"


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One scenario. failing: entries; writes: keys written afresh; retains: keys whose old value stays.

    open: more keys, which depend on values, are written afresh; retains_all: whatever else the Secret holds stays.
    cleanup: the value of cleanupSecretOnFailure.
    """

    scenario: str
    failing: tuple[str, ...]
    cleanup: bool
    action: Action
    writes: tuple[str, ...] = ()
    open: bool = False
    retains: tuple[str, ...] = ()
    retains_all: bool = False


def failure_table(external: ExternalSecret, admissions: Sequence[EntryAdmission], settings: Settings) -> tuple[FailureRow, ...]:
    """Return the scenarios of an object: as it is when an entry is refused, each source failing, all failing."""
    return tuple(_rows(external, admissions, settings))


def _rows(external: ExternalSecret, admissions: Sequence[EntryAdmission], settings: Settings) -> Iterator[FailureRow]:
    if not admissions:
        return
    refused = frozenset(str(one.entry) for one in admissions if is_refused(one))
    if refused:
        yield _row("as it is", external, admissions, refused, settings)
    if len(admissions) > 1:
        for one in admissions:
            if str(one.entry) not in refused:
                yield _row(f"{one.entry} fails", external, admissions, {*refused, str(one.entry)}, settings)
    everything = frozenset(str(one.entry) for one in admissions)
    for cleanup in (False, True):
        switched = settings.replaced({"cleanup_secret_on_failure": cleanup})
        yield _row(ALL_FAIL, external, admissions, everything, switched)


def is_refused(admission: EntryAdmission) -> bool:
    """Return whether an entry fails before any call."""
    return admission.refusal is not None or (admission.plan is not None and admission.plan.refusal is not None)


def _row(
    scenario: str, external: ExternalSecret, admissions: Sequence[EntryAdmission], failing: Collection[str], settings: Settings
) -> FailureRow:
    reports = [EntryReport(one, error="fails" if str(one.entry) in failing else "") for one in admissions]
    fresh, is_open = _fresh(reports)
    dataset = {**fresh, **({_STRANGER: _ANY} if is_open else {})}  # what depends on values is taken to give something
    counters = contract.count(reports, fresh)
    templated = external.template is not None
    action = contract.choose_action(counters, templated=templated, is_empty=not dataset, settings=settings)
    row = FailureRow(scenario, tuple(sorted(failing)), settings.cleanup_secret_on_failure, action)
    if action is not Action.MERGE:
        return row
    before = {key: _ANY for one in admissions for key in (*entry_keys(one.entry).known, one.entry.source.target_key)}
    _, retained = contract.merge_dataset(external, reports, fresh, {**before, _STRANGER: _ANY})
    kept = tuple(key for key in retained if key != _STRANGER)
    return FailureRow(
        scenario, row.failing, row.cleanup, action, tuple(sorted(fresh)), is_open, kept, retains_all=_STRANGER in retained
    )


def _fresh(reports: Sequence[EntryReport]) -> tuple[dict[str, SecretBytes], bool]:
    fresh: dict[str, SecretBytes] = {}
    is_open = False
    for report in reports:
        if not report.failed:
            keys = entry_keys(report.admission.entry)
            fresh.update(dict.fromkeys(keys.known, _ANY))
            is_open = is_open or keys.open
    return fresh, is_open
