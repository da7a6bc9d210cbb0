"""ASM508 privileged-type: no Secret gets a type that grants access.

Why: the cluster treats these types as credentials of its own.
Bad::

    type: kubernetes.io/service-account-token  # <- ASM508
    data: [{key: a, name: token}]

Good::

    type: Opaque
    data: [{key: a, name: token}]

Source: spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM508", "privileged-type", Severity.WARNING, topics=("privileged-type",), kinds=TARGETS)

_PRIVILEGED: Final = frozenset({"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the type that will be used, if it is one of them."""
    target = target_of(subject)
    assert target is not None
    spec = target.external.spec
    template_type = spec.target.template.type if spec.target.template else ""
    wanted = template_type or spec.type
    if wanted in _PRIVILEGED:
        path = (*target.template_path, "type") if template_type else (*target.base, "type")
        yield Hit(path, f"type {wanted} makes the Secret a credential of the cluster itself", "use Opaque or a type of your own")
