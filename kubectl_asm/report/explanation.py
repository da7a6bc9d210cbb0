"""What `explain` says about an object, as items of kind Explanation. No service was called, no value is known.

Everything here was decided by the engine; this module gives it the names of the output contract.
Source: spec/cli.md 3 (explain).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.calls import Call, Hosts, calls_of
from kubectl_asm.engine.decide import round_outcome
from kubectl_asm.engine.expand_plan import ExpansionPlan
from kubectl_asm.engine.failure_table import FailureRow, failure_table
from kubectl_asm.engine.forecast import DeletionForecast, KeySet, deletion, entry_keys, target_keys
from kubectl_asm.engine.live_compare import LiveState, TargetState
from kubectl_asm.engine.lookups import Lookup
from kubectl_asm.engine.plan import Done, Plan
from kubectl_asm.engine.reach import Admission, Takeover
from kubectl_asm.engine.template_scan import scan_templates
from kubectl_asm.model.backend import Identity
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ObjectRef, Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterSecretStore
from kubectl_asm.report.plans import ref_item


@dataclass(frozen=True, slots=True)
class Explained:
    """One object with everything that was found out. target, live: None where no cluster was asked."""

    external: ExternalSecret
    admitted: Sequence[EntryAdmission] | Plan
    target: Lookup[Secret] | None = None
    state: TargetState | None = None
    live: LiveState | None = None


def explanation(
    one: Explained,
    settings: Settings,
    shown: Sequence[Mapping[str, Any]],
    hosts: Hosts,
    findings: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return one item of kind Explanation. shown: settings with value and origin; findings: of the linter, as data."""
    external, admitted = one.external, one.admitted
    stop = admitted if isinstance(admitted, Plan) else None
    entries = () if isinstance(admitted, Plan) else admitted
    outcome = stop.outcome if stop else round_outcome(external, settings)
    after = outcome.again_after if isinstance(outcome, Done) and not settings.disable_polling else None
    owner = external.metadata.controller
    return {
        "object": ref_item(external.ref),
        "parent": {"kind": owner.kind, "name": owner.name} if owner is not None else None,
        "decision": str(stop.decision) if stop else "proceed",
        "reason": stop.reason if stop else "",
        "requeue": f"{after.total_seconds():g}s" if after else "none",
        "settings": list(shown),
        "entries": [entry_item(entry, hosts) for entry in entries],
        "target": _target(external, one.state),
        "templates": [str(note) for note in scan_templates(external, settings)] if external.template else [],
        "failures": [_failure_item(row) for row in failure_table(external, entries, settings)],
        "deletion": _deletion_item(deletion(external, one.target)),
        "live": _live_item(one.live) if one.live else None,
        "findings": list(findings),
    }


def _target(external: ExternalSecret, state: TargetState | None) -> dict[str, Any]:
    template = external.template
    metadata = template.metadata if template is not None else None
    return {
        "namespace": external.namespace,
        "name": external.target_name,
        "type": (template.type if template else "") or external.spec.type or "Opaque",
        "keys": keys_item(target_keys(external)),
        "labels": sorted(metadata.labels) if metadata else [],
        "annotations": sorted(metadata.annotations) if metadata else [],
        "exists": state.exists if state else None,
    }


def keys_item(keys: KeySet) -> list[str] | dict[str, Any]:
    """Return keys as a list, or as known keys and the word that more may come."""
    return {"known": list(keys.known), "open": True} if keys.open else list(keys.known)


def entry_item(one: EntryAdmission, hosts: Hosts) -> dict[str, Any]:
    """Return one entry of an Explanation."""
    plan, source = one.plan, one.entry.source
    refusal = one.refusal or (plan.refusal if plan else None)
    blocked = next((gate.name for gate in one.gates if not gate.allowed), None)
    return {
        "key": source.target_key if not source.jmes_path else source.key,
        "entry": str(one.entry),
        "index": one.entry.index,
        "provider": str(plan.provider) if plan else None,
        "backendKey": source.key,
        "versionId": source.version_id,
        "versionStage": source.version_stage,
        "client": "env" if source.secret_store_ref is None else "store",
        "clientName": one.client_name,
        "store": _store(one),
        "gates": [{"name": gate.name, "allowed": gate.allowed, "rule": gate.rule} for gate in one.gates],
        "blockedBy": blocked,
        "endpoint": plan.endpoint if plan else "",
        "endpointRule": plan.endpoint_rule if plan else "",
        "region": plan.region if plan else "",
        "ca": plan.ca_file if plan and plan.ca_file else "system",
        "chain": [{"tier": str(link.tier), "used": link.used, "reason": link.reason} for link in one.chain],
        "errorClass": str(refusal.error_class) if refusal else None,
        "reason": refusal.reason if refusal else "",
        **_identity_fields(plan.identity if plan else None),
        "calls": [call_item(call) for call in calls_of(one, hosts)],
        "outputs": keys_item(entry_keys(one.entry)),
        "notes": list(one.notes),
    }


def _identity_fields(identity: Identity | None) -> dict[str, Any]:
    hop = identity.hop if identity else None
    fallback = identity.fallback if identity else None
    return {
        "tier": str(identity.tier) if identity else None,
        "roleArn": identity.role_arn if identity else "",
        "sessionName": identity.session_name if identity else "",
        "oidcProviderArn": identity.oidc_provider_arn if identity else "",
        "hop": {"roleArn": hop.role_arn, "sessionName": hop.session_name} if hop else None,
        "fallback": str(fallback.tier) if isinstance(fallback, Identity) else None,
    }


def call_item(call: Call) -> dict[str, Any]:
    """Return one call; parameters hold names and ARNs, never a credential."""
    params = {name: list(value) if isinstance(value, tuple) else value for name, value in call.params.items()}
    return {
        "service": call.service,
        "action": call.action,
        "host": call.host,
        "parameters": params,
        "signedBy": call.signed_by,
    }


def _store(one: EntryAdmission) -> dict[str, Any] | None:
    ref = one.entry.source.secret_store_ref
    if ref is None:
        return None
    return {"kind": ref.kind or "SecretStore", "namespace": ref.namespace or None, "name": ref.name}


def _failure_item(row: FailureRow) -> dict[str, Any]:
    return {
        "scenario": row.scenario,
        "failing": list(row.failing),
        "cleanupSecretOnFailure": row.cleanup,
        "action": row.action.name.lower(),
        "writes": {"known": list(row.writes), "open": True} if row.open else list(row.writes),
        "keeps": {"known": list(row.retains), "open": True} if row.retains_all else list(row.retains),
    }


def _deletion_item(forecast: DeletionForecast) -> dict[str, Any]:
    return {"removesSecret": forecast.removes, "reason": forecast.reason}


def _live_item(live: LiveState) -> dict[str, Any]:
    state = live.target
    return {
        "exists": live.exists,
        "sameSpec": live.same_spec,
        "target": {
            "exists": state.exists,
            "type": state.type,
            "present": list(state.present),
            "missing": list(state.missing),
            "other": list(state.other),
            "owner": state.owner or None,
            "managers": list(state.managers),
            "needsAdopt": state.refusal or None,
            "problem": state.problem or None,
        },
    }


# -- cluster resources


def expansion_item(plan: ExpansionPlan, taken: Sequence[Takeover]) -> dict[str, Any]:
    """Return what a ClusterExternalSecret reaches: its children, where it may not, what it overwrites and what goes."""
    after = plan.outcome.again_after if isinstance(plan.outcome, Done) else None
    return {
        "object": ref_item(plan.parent.ref),
        "decision": str(plan.step),
        "requeue": f"{after.total_seconds():g}s" if after else "none",
        "children": [
            {**ref_item(child.ref), "secret": child.target_name}
            for child in sorted(plan.applies, key=lambda child: (child.namespace, child.name))
        ],
        "failed": [{"namespace": one.namespace or None, "reason": one.reason} for one in plan.failed],
        "takesOver": [{**ref_item(one.external), "owner": one.owner, "secret": one.secret} for one in taken],
        "removes": [{**ref_item(one.external.ref), "reason": one.reason} for one in plan.removals],
        "keeps": list(plan.kept),
    }


def cluster_store_item(store: ClusterSecretStore, verdicts: Sequence[Admission], users: Sequence[ObjectRef]) -> dict[str, Any]:
    """Return which namespaces a ClusterSecretStore admits, and who uses it."""
    return {
        "object": ref_item(store.ref),
        "namespaces": [{"namespace": one.namespace, "allowed": one.allowed, "rule": one.rule} for one in verdicts],
        "usedBy": [ref_item(ref) for ref in sorted(users)],
    }


def is_broken(item: Mapping[str, Any]) -> bool:
    """Return whether an item needs somebody's attention: it is stopped, an entry fails, or a template has an error."""
    return bool(item["reason"]) or any(entry["errorClass"] for entry in item["entries"])
