"""Plans as output: JSON items, table rows, traces. Nothing here holds a value unless reveal says so.

Source: spec/cli.md 3 (render, diff, sync).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kubectl_asm.engine.drift import Change, Drift, KeyChange
from kubectl_asm.engine.plan import Decision, Plan
from kubectl_asm.manifest.encode import encode_object
from kubectl_asm.model.externalsecret import Template
from kubectl_asm.model.objects import MANAGED_KEYS_ANNOTATION, KubeObject, ObjectRef
from kubectl_asm.model.sensitive import MASK

MASKED_ANNOTATION: Final = "kubectl-asm/masked"
_SIGNS = {KeyChange.ADD: "+", KeyChange.REMOVE: "-", KeyChange.CHANGE: "~", KeyChange.SAME: " "}


def ref_item(ref: ObjectRef) -> dict[str, str]:
    """Return an object's name for JSON."""
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def secret_document(plan: Plan, *, reveal: bool) -> dict[str, Any] | None:
    """Return the Secret of a Plan as the API server would store it, data keys sorted; None when none would exist."""
    secret: KubeObject | None = plan.secret or (plan.current if plan.decision is Decision.IN_SYNC else None)
    if secret is None:
        return None
    document = encode_object(secret, reveal=reveal)
    metadata = {
        key: value for key, value in document["metadata"].items() if key in ("name", "namespace", "labels", "annotations")
    }
    if not reveal:
        metadata = _masked_metadata(metadata, plan.external.template)
    data = dict(sorted(document.get("data", {}).items()))
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": document["type"], "data": data}


def _masked_metadata(metadata: dict[str, Any], template: Template | None) -> dict[str, Any]:
    """Return metadata whose rendered values are stars: a template may put any value into a label or an annotation."""
    rendered = _rendered_metadata(template or Template())
    masked = dict(metadata)
    for word, texts in rendered.items():
        if word in metadata:
            masked[word] = {key: _masked(key, value, texts) for key, value in metadata[word].items()}
    masked["annotations"] = {**masked.get("annotations", {}), MASKED_ANNOTATION: "true"}
    return masked


def _rendered_metadata(template: Template) -> dict[str, Mapping[str, str] | None]:
    """Return the templates behind labels and annotations; None where any key may have come from templateFrom."""
    targets = {element.target for element in template.template_from}
    return {
        "labels": None if "Labels" in targets else template.metadata.labels,
        "annotations": None if "Annotations" in targets else template.metadata.annotations,
    }


def _masked(key: str, value: str, texts: Mapping[str, str] | None) -> str:
    if key == MANAGED_KEYS_ANNOTATION:
        return value
    return MASK if texts is None or "{{" in texts.get(key, "") else value


def entry_items(plan: Plan) -> list[dict[str, Any]]:
    """Return what became of every entry."""
    return [
        {
            "entry": str(entry.admission.entry),
            "key": entry.admission.entry.source.key,
            "status": "Failed" if entry.failed else "Succeeded",
            "keys": list(entry.keys),
            "reason": entry.error,
            "errorClass": str(entry.error_class) or None,
        }
        for entry in plan.entries
    ]


def status_items(plan: Plan) -> list[dict[str, str]]:
    """Return the status entries the round reports, without times."""
    entries = [(entry.key, entry.status, entry.reason) for entry in plan.data_status or ()]
    entries += [(entry.key, entry.status, entry.reason) for entry in plan.synthetic]
    return [{"key": key, "status": status, "reason": reason} for key, status, reason in entries]


def trace_items(plan: Plan) -> list[dict[str, str]]:
    """Return the trace for JSON."""
    return [{"stage": line.stage, "subject": line.subject, "text": line.text} for line in plan.trace]


def trace_text(plan: Plan) -> str:
    """Return the trace for people: which input made which key, stage by stage."""
    lines = [f"trace of {plan.external.ref}: {plan.decision}"]
    lines += [f"  {line.stage:<9} {line.subject}: {line.text}" for line in plan.trace]
    return "\n".join(lines)


def failure_lines(plan: Plan) -> Iterable[str]:
    """Yield one sentence a failed entry."""
    for entry in plan.entries:
        if entry.failed:
            yield f"{plan.external.ref}: {entry.admission.entry}: {entry.error}"


def headline(plan: Plan) -> str:
    """Return one line for an object whose round writes nothing."""
    reason = f": {plan.reason}" if plan.reason else ""
    return f"{plan.external.ref} -> {plan.decision}{reason}"


def diff_item(plan: Plan, drift: Drift) -> dict[str, Any]:
    """Return one item of kind Diff."""
    return {
        "object": {"kind": "Secret", "namespace": plan.external.namespace, "name": plan.external.target_name},
        "externalSecret": ref_item(plan.external.ref),
        "change": str(drift.change),
        "keys": [{"key": key, "change": str(change)} for key, change in drift.keys],
        "metadata": [{"path": path, "change": str(change)} for path, change in drift.metadata],
        "decision": str(plan.decision),
        "reason": plan.reason,
    }


def diff_lines(title: str, drift: Drift, note: str) -> Iterable[str]:
    """Yield the text form of one difference: signs and names, never values, lengths or digests."""
    yield f"{title}: {drift.change}" + (f" ({note})" if note else "")
    if drift.change is Change.NONE:
        return
    for key, change in drift.keys:
        yield f"  {_SIGNS[change]} data.{key}" + (" ***" if change is not KeyChange.REMOVE else "")
    for path, change in drift.metadata:
        yield f"  {_SIGNS[change]} metadata.{path}"


def sync_item(plan: Plan, duration_s: float) -> dict[str, Any]:
    """Return one item of kind SyncResult."""
    return {
        "object": ref_item(plan.external.ref),
        "decision": str(plan.decision),
        "target": {"namespace": plan.external.namespace, "name": plan.external.target_name},
        "keysWritten": sorted(plan.secret.data) if plan.secret is not None else [],
        "entries": entry_items(plan),
        "reason": plan.reason,
        "warnings": list(plan.warnings),
        "durationMs": round(duration_s * 1000),
    }


def sync_row(plan: Plan) -> Sequence[str]:
    """Return a row: namespace, name, target, decision, keys, reason."""
    failed = [f"{entry.admission.entry.source.key}: {entry.error}" for entry in plan.entries if entry.failed]
    reason = "; ".join(part for part in (plan.reason, _first(failed)) if part) or "; ".join(plan.warnings)
    keys = str(len(plan.secret.data)) if plan.secret is not None else "-"
    return (plan.external.namespace, plan.external.name, plan.external.target_name, str(plan.decision), keys, reason)


def _first(texts: Sequence[str]) -> str:
    """Return the first text and how many more there are: the cause of a table row, which the JSON form has in full."""
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    return f"{texts[0]}{more}" if texts else ""
