"""ASM202 unknown-kind: kinds of our group are the four that exist.

Why: kubectl finds no resource for any other kind, letter case included.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecrets  # <- ASM202
    metadata: {name: app, namespace: shop}
    spec: {data: [{key: a, name: a}]}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec: {data: [{key: a, name: a}]}

Source: spec/api.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.manifest.decode import OWN_KINDS
from kubectl_asm.model.objects import API_VERSION, GROUP
from kubectl_asm.rules.base import Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.shape import nearest
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM202", "unknown-kind", Severity.ERROR, topics=("unknown-kind",), kinds=("*",))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield a kind the group does not have."""
    kind = subject.value.get("kind")
    if subject.value.get("apiVersion") != API_VERSION or (isinstance(kind, str) and kind in OWN_KINDS):
        return
    near = nearest(str(kind), OWN_KINDS, 0.6)
    hint = f"did you mean {near}?" if near else f"kinds of this group: {', '.join(sorted(OWN_KINDS))}"
    misspelt = next((key for key in subject.value if kind is None and nearest(str(key), ("kind",)) == "kind"), None)
    if misspelt is not None:
        yield key_hit((misspelt,), f"unknown field {quoted(misspelt)}", "did you mean kind?")
    elif kind is None:
        yield Hit(("apiVersion",), f"an object of group {GROUP} without kind", hint)
    else:
        meant = only_meant(str(kind), OWN_KINDS)
        change = Change(ChangeKind.VALUE, ("kind",), meant) if meant else None
        yield Hit(("kind",), f"group {GROUP} has no kind {quoted(kind)}", hint, change=change)
