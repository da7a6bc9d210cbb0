"""ASM506 invalid-secret-key: Secret keys are ones Kubernetes accepts.

Why: one bad key makes the API server refuse the whole write.
Bad::

    data:
      - key: team/db  # <- ASM506

Good::

    data:
      - key: team/db
        name: db

Source: spec/data.md section 3; spec/templates.md section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template import is_secret_key
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.outputs import Output, keeps_raw, raw_outputs, template_outputs
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM506", "invalid-secret-key", Severity.ERROR, topics=("invalid-secret-key",), kinds=TARGETS)

_EXPANSION = re.compile(r"\$(?:\{\w+\}|\w+|\$)")
_ILLEGAL = re.compile(r"[^-._a-zA-Z0-9]", re.ASCII)
_MAX_KEY: Final = 253


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield keys that cannot be written."""
    target = target_of(subject)
    assert target is not None
    if keeps_raw(target.external.template):
        for output in raw_outputs(target):
            if not is_secret_key(output.key):
                yield _refused(output)
    for output in template_outputs(target):
        if output.origin == "data" and not is_secret_key(output.key):
            yield _refused(output)
    for index, process in enumerate(target.external.spec.data_process):
        for number, rule in enumerate(process.replace_rule):
            if illegal := _ILLEGAL.search(_EXPANSION.sub("", rule.target)):
                path = (*target.base, "dataProcess", index, "replaceRule", number, "target")
                yield Hit(path, f"{quoted(rule.target)} puts {quoted(illegal[0])} into Secret keys, which Kubernetes refuses")


def _refused(output: Output) -> Hit:
    why = (
        f"longer than {_MAX_KEY} characters" if len(output.key) > _MAX_KEY else "1 to 253 letters, digits, -, _ and . are allowed"
    )
    hint = "set name: without it the backend key becomes the Secret key" if output.origin == "key" else ""
    return Hit(output.path, f"{quoted(output.key)} is no Secret key: {why}", hint, output.place)
