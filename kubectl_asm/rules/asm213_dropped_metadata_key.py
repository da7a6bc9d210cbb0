"""ASM213 dropped-metadata-key: keys of template.metadata survive the controller's own rule.

Why: the controller drops upper case, _ and dots in the name part with nothing but a log line.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        metadata:
          labels:
            my_label: x  # <- ASM213

Good::

    data: [{key: a, name: a}]
    target:
      template:
        metadata:
          labels:
            my-label: x

Source: spec/templates.md section 5.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template import is_kept_metadata_key
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM213", "dropped-metadata-key", Severity.WARNING, topics=("label-syntax",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield every key that is dropped."""
    target = target_of(subject)
    if target is None or target.external.template is None:
        return
    metadata = target.external.template.metadata
    for part, keys in (("labels", metadata.labels), ("annotations", metadata.annotations)):
        for key in keys:
            if not is_kept_metadata_key(key, is_annotation=part == "annotations", settings=ctx.settings):
                hint = "use lower-case letters, digits and - in the name; dots only in a prefix before /"
                yield key_hit(
                    (*target.template_path, "metadata", part, key), f"key {quoted(key)} is dropped by the controller", hint
                )
