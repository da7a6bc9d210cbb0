"""ASM206 missing-field: required fields are there.

Why: the API server refuses the object, or the entry can never be read.
Bad::

    data:
      - name: token  # <- ASM206
        versionId: v1

Good::

    data:
      - key: token
        name: token

Source: spec/api.md; spec/lint.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import Path
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, CLUSTER_STORE, STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.shape import IssueKind
from kubectl_asm.rules.stores import auths_of, store_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM206", "missing-field", Severity.ERROR, topics=("missing-field",))

_REFERENCES: Final = ("serviceAccountRef", "accessKey", "accessKeySecret")


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every required field that is absent, null, or empty where empty is the same."""
    for issue in subject.issues:
        if issue.kind is IssueKind.MISSING and not subject.is_refused(issue.path[:-1]):
            yield _missing(issue.path)
    if subject.kind == CLUSTER_EXTERNAL:
        if not (isinstance(subject.value.get("spec"), dict) or subject.has_refused_below(("spec",))):
            yield _missing(("spec", "externalSecretSpec"))
    elif subject.kind in STORES:
        yield from _store(subject)


def _store(subject: Subject) -> Iterator[Hit]:
    if not subject.has(("spec",)):
        if not subject.has_refused_below(("spec",)):
            yield _missing(("spec",))
        return
    spec = store_of(subject)
    if spec.kms is None and spec.oos is None and not subject.has_refused_below(("spec",)):
        null = next((name for name in ("KMS", "OOS") if name in (subject.raw(("spec",)) or {})), "")
        path: Path = ("spec", null) if null else ("spec",)
        yield key_hit(path, "required field KMS or OOS is missing: a store without provider serves nothing")
    for name, section in (("KMS", spec.kms), ("OOS", spec.oos)):
        path = ("spec", name)
        is_other = subject.has((*path, "dedicatedKMSAuth")) or subject.has_refused_below(path)
        if section is not None and section.auth is None and not is_other:
            hint = "it may be empty (the worker role), but it must exist"
            yield key_hit((*path, f"{name}Auth"), f"required field {name}Auth is missing", hint)
    if subject.kind == CLUSTER_STORE:
        yield from _namespaces(subject)


def _namespaces(subject: Subject) -> Iterator[Hit]:
    """A reference of a cluster store has no namespace of its own to fall back to."""
    for at in auths_of(subject):
        for name in _REFERENCES:
            path = (*at.path, name)
            given = subject.raw(path)
            is_refused = subject.is_refused((*path, "namespace"))
            if isinstance(given, dict) and not given.get("namespace") and not is_refused:
                yield _missing((*path, "namespace"), "in a ClusterSecretStore the namespace of a reference is mandatory")


def _missing(path: Path, hint: str = "") -> Hit:
    return key_hit(path, f"required field {path[-1]} is missing", hint)
