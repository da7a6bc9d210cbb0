"""ASM211 label-selector: label selectors can be evaluated.

Why: a bad selector makes the store refuse every namespace, or the object is refused.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceSelector:
            matchExpressions:
              - {key: tier, operator: in, values: [a]}  # <- ASM211
      KMS: {KMSAuth: {}}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceSelector:
            matchExpressions:
              - {key: tier, operator: In, values: [a]}
      KMS: {KMSAuth: {}}

Source: spec/access-control.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.engine.access import is_label_key, is_label_value
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.stores import LabelRequirement
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, CLUSTER_STORE, Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.shape import nearest
from kubectl_asm.rules.stores import selectors_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM211", "label-selector", Severity.ERROR, topics=("label-selector",), kinds=(CLUSTER_STORE, CLUSTER_EXTERNAL))

_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every part of a selector that is not valid."""
    for path, selector in selectors_of(subject):
        for key, value in selector.match_labels.items():
            at = (*path, "matchLabels", key)
            if not is_label_key(key):
                yield key_hit(at, f"{quoted(key)} is no label key")
            if not is_label_value(value):
                yield Hit(at, f"{quoted(value)} is no label value")
        for index, requirement in enumerate(selector.match_expressions):
            yield from _requirement((*path, "matchExpressions", index), requirement, subject)


def _requirement(path: Path, requirement: LabelRequirement, subject: Subject) -> Iterator[Hit]:
    operator, values = requirement.operator, requirement.values
    if subject.has((*path, "key")) and not is_label_key(requirement.key):
        yield Hit((*path, "key"), f"{quoted(requirement.key)} is no label key")
    if subject.has((*path, "operator")) and operator not in _OPERATORS:
        near = nearest(operator, _OPERATORS, 0.5)
        yield Hit(
            (*path, "operator"),
            f"operator {quoted(operator)} is none of {', '.join(_OPERATORS)}",
            f"write {near}" if near else "",
            change=_change((*path, "operator"), operator),
        )
        return
    if operator in ("In", "NotIn") and not values:
        yield from _without_values(path, operator, subject)
    elif operator in ("Exists", "DoesNotExist") and values:
        yield Hit((*path, "values"), f"operator {operator} takes no values")
    for index, value in enumerate(values):
        if not is_label_value(value):
            yield Hit((*path, "values", index), f"{quoted(value)} is no label value")


def _change(path: Path, operator: str) -> Change | None:
    meant = only_meant(operator, _OPERATORS)
    return Change(ChangeKind.VALUE, path, meant) if meant else None


def _without_values(path: Path, operator: str, subject: Subject) -> Iterator[Hit]:
    place = "values" if subject.has((*path, "values")) else "operator"
    yield Hit((*path, place), f"operator {operator} needs at least one value in values", follows=((*path, "values"),))
