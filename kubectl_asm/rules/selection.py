"""Which namespaces a ClusterExternalSecret surely selects, as far as the input tells.

Names in conditions are known; selectors and regexes need the Namespace object. The deciding code is engine/expand.py.
Source: spec/lint.md 3 (conditions, cross-namespace, ces-collision); spec/cluster-resources.md 3.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kubectl_asm.engine.expand import selects
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.objects import Meta, Namespace
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject


class Selected(msgspec.Struct, frozen=True):
    """One namespace that is selected. path: of the name in the list, empty for a match of a Namespace object."""

    namespace: Namespace
    path: Path = ()


def selected_namespaces(subject: Subject, ctx: RuleContext) -> tuple[Selected, ...]:
    """Return the namespaces a ClusterExternalSecret surely selects, each once."""
    known: tuple[Selected, ...] | None = subject.memo.get("selected")
    if known is None:
        assert isinstance(subject.obj, ClusterExternalSecret)
        found: dict[str, Selected] = {}
        for one in (*_listed(subject.obj, ctx), *_matching(subject.obj, ctx)):
            found.setdefault(one.namespace.name, one)
        known = subject.memo["selected"] = tuple(found.values())
    return known


def _listed(obj: ClusterExternalSecret, ctx: RuleContext) -> Iterator[Selected]:
    for index, condition in enumerate(obj.spec.conditions):
        for number, name in enumerate(condition.namespaces):
            namespace = ctx.namespace(name) or Namespace(metadata=Meta(name=name))
            if selects(obj, namespace, ctx.settings):
                yield Selected(namespace, ("spec", "conditions", index, "namespaces", number))


def _matching(obj: ClusterExternalSecret, ctx: RuleContext) -> Iterator[Selected]:
    for other in ctx.by_kind.get("Namespace", ()):
        if isinstance(other.obj, Namespace) and selects(obj, other.obj, ctx.settings):
            yield Selected(other.obj)
