"""The round after fetching: Inputs, an instant and randomness in, a Plan out. A table of contents of the contract.

Source: spec/writes-and-failures.md 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec

from kubectl_asm.engine import contract, template
from kubectl_asm.engine.admit import DATA, EntryAdmission
from kubectl_asm.engine.contract import Action, Counters
from kubectl_asm.engine.entries import EntryError, EntryKeys, Keys, data_keys, extract_keys, payload
from kubectl_asm.engine.lookups import Failed, Found, Lookup
from kubectl_asm.engine.ownership import refuse_takeover
from kubectl_asm.engine.plan import Decision, Done, EntryReport, Outcome, Plan, Retry, Synthetic, TraceLine
from kubectl_asm.gotemplate import Environment
from kubectl_asm.model.backend import BackendError, ErrorClass, Provider, SecretOutcome
from kubectl_asm.model.durations import parse_duration
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Meta, Secret, merged
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import PROFILES, Settings

_RESOLUTION = frozenset(
    {ErrorClass.ACCESS, ErrorClass.REFERENCE, ErrorClass.CONFIGURATION, ErrorClass.ENDPOINT, ErrorClass.NO_CREDENTIALS}
)
_DATA_SWITCHES = ("extract_json_strings", "replace_values", "jmespath_document_integers")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a round knows after fetching. outcomes: one an admission, None where the entry was refused."""

    external: ExternalSecret
    provider: Provider
    settings: Settings
    admissions: tuple[EntryAdmission, ...]
    outcomes: tuple[SecretOutcome | None, ...]
    current: Lookup[Secret]
    sources: template.TemplateSources = field(default_factory=template.TemplateSources)
    profile_is_decided: bool = True
    adopt: bool = True


def decide(inputs: Inputs, environment: Callable[[], Environment]) -> Plan:
    """Return the Plan of a round. environment: a fresh template Environment (instant, randomness, budget) a call."""
    reports, fresh = _read_entries(inputs, inputs.settings)
    base = _base(inputs, reports)
    if isinstance(inputs.current, Failed):
        reason = inputs.current.error.message
        return replace(
            base, decision=Decision.ABORT, outcome=Retry(reason), synthetic=(Synthetic("state_retrieval", reason),), reason=reason
        )
    current = inputs.current.obj if isinstance(inputs.current, Found) else None
    round_ = _Round(inputs, base, current, contract.count(reports, fresh), fresh)
    return round_.guarded() or round_.decided(environment)


def round_outcome(external: ExternalSecret, settings: Settings) -> Done:
    """Return when a round without error runs again (spec/writes-and-failures.md 7)."""
    if settings.disable_polling:
        return Done(None)
    text = external.spec.rotation_interval
    return Done(parse_duration(text) if text else settings.polling_interval)


def _base(inputs: Inputs, reports: Sequence[EntryReport]) -> Plan:
    trace = tuple(TraceLine("fetch", str(report.admission.entry), _story(report)) for report in reports)
    return Plan(
        inputs.external,
        Decision.ABORT,
        round_outcome(inputs.external, inputs.settings),
        entries=tuple(reports),
        trace=trace,
    )


def _story(report: EntryReport) -> str:
    source = report.admission.entry.source
    if report.failed:
        return f"{source.key}: failed: {report.error}"
    notes = f" ({'; '.join(report.notes)})" if report.notes else ""
    return f"{source.key} -> {', '.join(report.keys) or 'no key'}{notes}"


def _read_entries(inputs: Inputs, settings: Settings) -> tuple[list[EntryReport], Keys]:
    """Turn every outcome into keys; later entries overwrite earlier ones, extracts overlay data."""
    reports: list[EntryReport] = []
    by_side: dict[bool, Keys] = {True: {}, False: {}}
    for admission, outcome in zip(inputs.admissions, inputs.outcomes, strict=True):
        try:
            result = _entry_keys(inputs, settings, admission, outcome)
        except EntryError as error:
            reports.append(
                EntryReport(admission, (), str(error), _class_of(admission, outcome), admission.notes, _hint_of(outcome))
            )
            continue
        by_side[admission.entry.side == DATA].update(result.keys)
        notes = (*admission.notes, *result.notes)
        reports.append(EntryReport(admission, tuple(sorted(result.keys)), notes=notes))
    return reports, {**by_side[True], **by_side[False]}


def _class_of(admission: EntryAdmission, outcome: SecretOutcome | None) -> str:
    if admission.refusal is not None:
        return admission.refusal.error_class
    return outcome.error_class if isinstance(outcome, BackendError) else ErrorClass.BACKEND


def _hint_of(outcome: SecretOutcome | None) -> str:
    return (outcome.hint or "") if isinstance(outcome, BackendError) else ""


def _entry_keys(inputs: Inputs, settings: Settings, admission: EntryAdmission, outcome: SecretOutcome | None) -> EntryKeys:
    name = admission.client_name
    if outcome is None:
        assert admission.refusal is not None
        raise EntryError(f"get client {name} failed: {admission.refusal.reason}")
    if isinstance(outcome, BackendError):
        if outcome.error_class in _RESOLUTION:
            raise EntryError(f"get client {name} failed: {outcome}")
        raise EntryError(f"client {name} get data failed: {outcome}")
    entry = admission.entry
    try:
        value = payload(inputs.provider, entry.source.key, outcome)
        if entry.side == DATA:
            return data_keys(entry.source, value, settings)
        return extract_keys(inputs.external.spec.data_process[entry.index], value, settings)
    except EntryError as error:
        raise EntryError(f"client {name} get data failed: {error}") from None


@dataclass(frozen=True, slots=True)
class _Round:
    """One round with its counters; every method is one step of the contract."""

    inputs: Inputs
    base: Plan
    current: Secret | None
    counters: Counters
    fresh: Keys

    @property
    def _template(self) -> bool:
        return self.inputs.external.template is not None

    @property
    def _current_data(self) -> Mapping[str, SecretBytes]:
        return self.current.data if self.current is not None else {}

    def guarded(self) -> Plan | None:
        """Guards A and B: nothing came out although nothing failed (steps 5 and 6)."""
        total = self.counters.total
        if total > 0 and self.counters.failed_keys == 0 and not self.fresh:
            reason = f"declared {total} data source(s) produced 0 keys with 0 errors; secret write skipped and deletion withheld"
            return self._guard("zero_output_guard", reason)
        if total == 0 and not self._template and self._current_data:
            reason = (
                f"no data source declared but existing Secret holds {len(self._current_data)} key(s);"
                " secret write skipped and deletion withheld"
            )
            return self._guard("zero_output_guard", reason)
        return None

    def _guard(self, key: str, reason: str) -> Plan:
        return replace(
            self.base, decision=Decision.GUARD, synthetic=(Synthetic(key, reason),), reason=reason, current=self.current
        )

    def decided(self, environment: Callable[[], Environment]) -> Plan:
        """Steps 7 to 12: template, skip rule, dataset, comparison."""
        rendered = None
        synthetic: tuple[Synthetic, ...] = ()
        if self.inputs.external.template is not None:
            rendered = template.render_template(
                self.inputs.external.template, self.fresh, self.inputs.sources, self.inputs.settings, environment
            )
            if rendered.fatal and not (self.counters.failed_keys or self.counters.all_failed):
                return self._fatal(rendered)
            synthetic = self._template_entries(rendered)
            if stop := self._template_guard(rendered):
                return stop
        plan = replace(
            self.base,
            data_status=self.counters.data_status,
            synthetic=synthetic,
            current=self.current,
            warnings=rendered.dropped if rendered else (),
            trace=(*self.base.trace, *_template_trace(rendered)),
        )
        return self._apply_skip_rule(plan, rendered)

    def _fatal(self, rendered: template.Rendered) -> Plan:
        text = rendered.fatal_text
        return replace(
            self.base,
            decision=Decision.ABORT,
            outcome=Retry(text),
            synthetic=(Synthetic("template_processing_fatal", text),),
            reason=text,
            current=self.current,
        )

    @staticmethod
    def _template_entries(rendered: template.Rendered) -> tuple[Synthetic, ...]:
        if rendered.fatal:
            return (Synthetic("template_processing_errors", rendered.fatal_text),)
        if rendered.warnings:
            return (Synthetic("template_processing_warnings", rendered.warning_text),)
        return ()

    def _template_guard(self, rendered: template.Rendered) -> Plan | None:
        """Step 7d: a template that renders to nothing must not empty a Secret."""
        if rendered.fatal or self.counters.failed_keys or rendered.data or not (self.fresh or self._current_data):
            return None
        if self.fresh:
            reason = (
                "template rendering produced 0 data keys while source data was non-empty;"
                " secret write skipped and deletion withheld"
            )
        else:
            reason = (
                f"no data source declared but existing Secret holds {len(self._current_data)} key(s) and template rendering"
                " produced 0 data keys; secret write skipped and deletion withheld"
            )
        return self._guard("template_zero_output_guard", reason)

    def _apply_skip_rule(self, plan: Plan, rendered: template.Rendered | None) -> Plan:
        dataset = dict(rendered.data) if rendered is not None else dict(self.fresh)
        action = contract.choose_action(
            self.counters, templated=self._template, is_empty=not dataset, settings=self.inputs.settings
        )
        if action is Action.SKIP:
            text = (
                "some sources failed; a templated Secret is written only from complete data"
                if self._template
                else ("no source could be read; the Secret is retained")
            )
            return replace(plan, decision=Decision.SKIP, reason=text)
        if action is Action.DELETE:
            if refusal := refuse_takeover(self.inputs.external, self.current, adopt=self.inputs.adopt):
                return not_ours(plan, refusal)
            reason = "every source failed and cleanupSecretOnFailure is on"
            return replace(plan, decision=Decision.DELETE, delete=self.current, forces_status=True, reason=reason)
        if action is Action.MERGE:
            dataset, retained = contract.merge_dataset(self.inputs.external, self.base.entries, self.fresh, self._current_data)
            lines = tuple(TraceLine("retain", key, "old value kept: its source failed") for key in retained)
            plan = replace(plan, trace=(*plan.trace, *lines))
        return self._write(plan, dataset, rendered or template.Rendered())

    def _write(self, plan: Plan, dataset: Keys, rendered: template.Rendered) -> Plan:
        """Steps 11 and 12: compare with what is there, write the difference."""
        if self._is_in_sync(dataset, rendered):
            return replace(plan, decision=Decision.IN_SYNC)
        if warning := self._equals_other_profile():
            return replace(plan, decision=Decision.IN_SYNC, warnings=(*plan.warnings, warning))
        refusal = refuse_takeover(self.inputs.external, self.current, adopt=self.inputs.adopt)
        if refusal is not None:
            return not_ours(plan, refusal)
        if self.current is None:
            secret = _new_secret(self.inputs.external, dataset, rendered)
            return replace(plan, decision=Decision.CREATE, secret=secret, forces_status=True)
        secret = updated_secret(self.current, dataset, rendered.labels, rendered.annotations)
        return replace(plan, decision=Decision.UPDATE, secret=secret, forces_status=True)

    def _is_in_sync(self, dataset: Keys, rendered: template.Rendered) -> bool:
        meta = self.current.metadata if self.current is not None else Meta()
        return (
            dict(self._current_data) == dataset
            and all(meta.labels.get(key) == value for key, value in rendered.labels.items())
            and all(meta.annotations.get(key) == value for key, value in rendered.annotations.items())
        )

    def _equals_other_profile(self) -> str:
        """Whether the live data is what the other profile makes of the same reads (spec/operation.md 1)."""
        inputs = self.inputs
        if inputs.profile_is_decided or self.current is None or self._template or self.counters.failed_keys:
            return ""
        other_name = "0.6.7" if inputs.settings.compat == "0.6.2" else "0.6.2"
        defaults = {name: getattr(Settings(), name) for name in _DATA_SWITCHES}
        switches = {name: PROFILES[other_name].get(name, defaults[name]) for name in _DATA_SWITCHES}
        other = inputs.settings.replaced(switches)
        _, fresh = _read_entries(inputs, other)
        if fresh != dict(self._current_data):
            return ""
        return (
            f"the live Secret holds exactly what profile {other_name} produces, so it was left alone;"
            f" decide with --compat={other_name} or --compat={inputs.settings.compat}"
        )


def _template_trace(rendered: template.Rendered | None) -> tuple[TraceLine, ...]:
    if rendered is None:
        return ()
    lines = [TraceLine("template", key, "rendered") for key in rendered.produced]
    lines += [TraceLine("template", "warning", text) for text in rendered.warnings]
    lines += [TraceLine("template", "dropped", text) for text in rendered.dropped]
    return tuple(lines)


def _new_secret(external: ExternalSecret, dataset: Keys, rendered: template.Rendered) -> Secret:
    kind = (external.template.type if external.template else "") or external.spec.type or "Opaque"
    meta = Meta(
        name=external.target_name,
        namespace=external.namespace,
        labels=dict(rendered.labels),
        annotations=dict(rendered.annotations),
    )
    return Secret(metadata=meta, type=kind, data=dataset)


def updated_secret(current: Secret, dataset: Keys, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Secret:
    """Return the Secret as read with data replaced and rendered metadata overlaid; type and owners stay."""
    meta = msgspec.structs.replace(
        current.metadata,
        labels=merged(current.metadata.labels, labels),
        annotations=merged(current.metadata.annotations, annotations),
    )
    return msgspec.structs.replace(current, metadata=meta, data=dataset)


def rejected(plan: Plan, text: str) -> Plan:
    """Return the Plan of a round whose write was refused by the API server."""
    return replace(
        plan,
        decision=Decision.REJECTED,
        outcome=Retry(text),
        synthetic=(*plan.synthetic, Synthetic("update_operation", text)),
        secret=None,
        forces_status=False,
        reason=text,
    )


def not_ours(plan: Plan, refusal: str) -> Plan:
    """Return the Plan of a round that must leave the target alone (spec/operation.md 4)."""
    return replace(
        plan,
        decision=Decision.ABORT,
        outcome=Retry(refusal),
        secret=None,
        data_status=None,
        synthetic=(),
        forces_status=False,
        reason=refusal,
    )


def stopped(external: ExternalSecret, decision: Decision, outcome: Outcome, synthetic: Synthetic | None = None) -> Plan:
    """Return the Plan of a round that ended before its data phase."""
    return Plan(
        external,
        decision,
        outcome,
        synthetic=(synthetic,) if synthetic else (),
        quiet=synthetic is None,
        reason=synthetic.reason if synthetic else "",
    )


ROUND_DROPPED_DELAY = timedelta(seconds=2)
