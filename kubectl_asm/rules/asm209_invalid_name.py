"""ASM209 invalid-name: names have the syntax Kubernetes wants.

Why: the API server refuses the object, or the Secret can never be written.
Bad::

    data: [{key: a, name: a}]
    target:
      name: Web_Secret  # <- ASM209

Good::

    data: [{key: a, name: a}]
    target:
      name: web-secret

Source: spec/api.md sections 3.4, 5 and 6; Kubernetes object names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template import is_dns_subdomain
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.base import Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, Target, target_of
from kubectl_asm.rules.stores import conditions_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM209", "invalid-name", Severity.ERROR, topics=("invalid-name",))

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_ITEM = re.compile(r"[-_.a-zA-Z0-9]{1,253}", re.ASCII)
_RULE: Final = "lower-case letters, digits, - and ., at most 253 characters"


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every name that Kubernetes refuses."""
    if subject.has(("metadata", "name")):
        yield from _subdomain(("metadata", "name"), subject.name)
    if (target := target_of(subject)) is not None:
        yield from _of_target(target)
    if isinstance(subject.obj, ClusterExternalSecret) and subject.has(("spec", "externalSecretName")):
        yield from _subdomain(("spec", "externalSecretName"), subject.obj.spec.external_secret_name)
    for at in conditions_of(subject):
        for index, name in enumerate(at.condition.namespaces):
            if not _LABEL.fullmatch(name) and (name or subject.has((*at.path, "namespaces", index))):
                hint = "names are literal: put a pattern into namespaceRegexes" if set(name) & set("*?[^$") else ""
                yield Hit((*at.path, "namespaces", index), f"{quoted(name)} is no namespace name", hint)


def _of_target(target: Target) -> Iterator[Hit]:
    spec = target.external.spec
    if spec.target.name:
        yield from _subdomain((*target.base, "target", "name"), spec.target.name)
    for index, element in enumerate(spec.target.template.template_from if spec.target.template else ()):
        for name, source in (("configMap", element.config_map), ("secret", element.secret)):
            if source is None:
                continue
            path = (*target.template_path, "templateFrom", index, name)
            if source.name:
                yield from _subdomain((*path, "name"), source.name)
            for number, item in enumerate(source.items):
                at = (*path, "items", number, "key")
                if not _ITEM.fullmatch(item.key) and target.subject.has(at):
                    message = f"{quoted(item.key)} is no key: 1 to 253 letters, digits, -, _ and ."
                    yield Hit(at, message)


def _subdomain(path: Path, name: str) -> Iterator[Hit]:
    if not is_dns_subdomain(name):
        yield Hit(path, f"{quoted(name)} is no valid name: {_RULE}")
