"""ASM707 keys-and-values: KeysAndValues reads lines of the form KEY=value.

Why: lines without = are ignored, so a text without any writes no key.
Bad::

    apiVersion: v1
    kind: ConfigMap
    metadata: {name: tpl, namespace: shop}
    data: {conf: "plain text"}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: a, name: a}]
      target:
        template:
          templateFrom:
            - configMap: {name: tpl, items: [{key: conf, templateAs: KeysAndValues}]}  # <- ASM707

Good::

    apiVersion: v1
    kind: ConfigMap
    metadata: {name: tpl, namespace: shop}
    data: {conf: "A={{ .a }}"}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: a, name: a}]
      target:
        template:
          templateFrom:
            - configMap: {name: tpl, items: [{key: conf, templateAs: KeysAndValues}]}

Source: spec/templates.md section 4.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.texts import source_text

META = RuleMeta("ASM707", "keys-and-values", Severity.WARNING, topics=("keys-and-values",), kinds=TARGETS)

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield texts of the input that hold no pair of their own: a note where an action may still print one."""
    target = target_of(subject)
    template = target.external.template if target is not None else None
    for index, element in enumerate(template.template_from if template else ()):
        name, kind = ("configMap", "ConfigMap") if element.config_map is not None else ("secret", "Secret")
        source = element.config_map or element.secret
        for number, item in enumerate(source.items if source else ()):
            if item.template_as != "KeysAndValues" or source is None or target is None:
                continue
            found = source_text(ctx.find(kind, target.namespace, source.name), item.key)
            if found is not None and "=" not in _ACTION.sub("", found.text):
                path = (*target.template_path, "templateFrom", index, name, "items", number, "templateAs")
                severity = Severity.INFO if "{{" in found.text else None
                message = f"the text under {quoted(item.key)} has no KEY=value line: KeysAndValues writes nothing"
                yield Hit(path, message, "use templateAs: Values for a text as it is", severity=severity)
