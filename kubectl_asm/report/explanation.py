"""What `explain` says about an object: JSON items and a tree for people. No service was called, no value is known.

Source: spec/cli.md 3 (explain).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kubectl_asm.engine.admit import EntryAdmission
from kubectl_asm.engine.decide import round_outcome
from kubectl_asm.engine.forecast import KeySet, entry_keys, target_keys
from kubectl_asm.engine.plan import Done, Plan
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings
from kubectl_asm.report.plans import ref_item


def explanation(
    external: ExternalSecret, admitted: Sequence[EntryAdmission] | Plan, settings: Settings, shown: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return one item of kind Explanation. shown: settings with value and origin; admitted: entries, or why there are none."""
    outcome = admitted.outcome if isinstance(admitted, Plan) else round_outcome(external, settings)
    after = outcome.again_after if isinstance(outcome, Done) else None
    return {
        "object": ref_item(external.ref),
        "decision": str(admitted.decision) if isinstance(admitted, Plan) else "proceed",
        "reason": admitted.reason if isinstance(admitted, Plan) else "",
        "requeue": f"{after.total_seconds():g}s" if after else "none",
        "settings": list(shown),
        "entries": [] if isinstance(admitted, Plan) else [entry_item(one) for one in admitted],
        "target": _target(external),
        "findings": [],
    }


def _target(external: ExternalSecret) -> dict[str, Any]:
    template = external.template
    metadata = template.metadata if template is not None else None
    return {
        "namespace": external.namespace,
        "name": external.target_name,
        "type": (template.type if template else "") or external.spec.type or "Opaque",
        "keys": keys_item(target_keys(external)),
        "labels": sorted(metadata.labels) if metadata else [],
        "annotations": sorted(metadata.annotations) if metadata else [],
        "exists": None,
    }


def keys_item(keys: KeySet) -> list[str] | dict[str, Any]:
    """Return keys as a list, or as known keys and the word that more may come."""
    return {"known": list(keys.known), "open": True} if keys.open else list(keys.known)


def entry_item(one: EntryAdmission) -> dict[str, Any]:
    """Return one entry of an Explanation."""
    plan, source = one.plan, one.entry.source
    refusal = one.refusal or (plan.refusal if plan else None)
    identity = plan.identity if plan else None
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
        "tier": str(identity.tier) if identity else None,
        "chain": [{"tier": str(link.tier), "used": link.used, "reason": link.reason} for link in one.chain],
        "errorClass": str(refusal.error_class) if refusal else None,
        "reason": refusal.reason if refusal else "",
        "roleArn": identity.role_arn if identity else "",
        "sessionName": identity.session_name if identity else "",
        "hop": {"roleArn": identity.hop.role_arn, "sessionName": identity.hop.session_name}
        if identity and identity.hop
        else None,
        "outputs": keys_item(entry_keys(one.entry)),
        "notes": list(one.notes),
    }


def _store(one: EntryAdmission) -> dict[str, Any] | None:
    ref = one.entry.source.secret_store_ref
    if ref is None:
        return None
    return {"kind": ref.kind or "SecretStore", "namespace": ref.namespace or None, "name": ref.name}


def tree_lines(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tree of one object, in characters every terminal has."""
    obj, target = item["object"], item["target"]
    yield f"{obj['kind']} {obj['namespace']}/{obj['name']}"
    if item["reason"]:
        yield f"`- {item['decision']}: {item['reason']}"
        return
    for entry in item["entries"]:
        yield f"|- {entry['entry']} {entry['backendKey']} ({entry['provider'] or '?'})"
        for line in _entry_lines(entry):
            yield f"|    {line}"
    yield f"|- requeue: {item['requeue']}"
    yield f"`- Secret {target['namespace']}/{target['name']} ({target['type']}): {_keys_text(target['keys'])}"


def _entry_lines(entry: Mapping[str, Any]) -> Iterable[str]:
    store = entry["store"]
    yield f"client: {entry['clientName']}" + (f" ({store['kind']} {store['name']})" if store else " (environment)")
    for gate in entry["gates"]:
        yield f"gate {gate['name']}: {'open' if gate['allowed'] else 'CLOSED'}: {gate['rule']}"
    if entry["endpoint"]:
        yield f"endpoint: {entry['endpoint']} (rule: {entry['endpointRule']}, CA: {entry['ca']})"
    for link in entry["chain"]:
        yield f"{'->' if link['used'] else '  '} tier {link['tier']}: {link['reason']}"
    if entry["roleArn"]:
        yield f"role: {entry['roleArn']} as {entry['sessionName']}"
    if entry["hop"]:
        yield f"then: {entry['hop']['roleArn']} as {entry['hop']['sessionName']}"
    if entry["errorClass"]:
        yield f"FAILS ({entry['errorClass']}): {entry['reason']}"
    for note in entry["notes"]:
        yield f"note: {note}"
    yield f"keys: {_keys_text(entry['outputs'])}"


def _keys_text(keys: Any) -> str:
    if isinstance(keys, dict):
        return ", ".join([*keys["known"], "(more, depending on the value)"])
    return ", ".join(keys) or "(none)"


def markdown_lines(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a Markdown section for every object."""
    for item in items:
        lines = list(tree_lines(item))
        yield f"### {lines[0]}"
        yield ""
        yield "```text"
        yield from (line.replace("```", "'''") for line in lines[1:])
        yield "```"
        yield ""
