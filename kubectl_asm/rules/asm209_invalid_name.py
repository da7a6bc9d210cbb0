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
from kubectl_asm.engine.template import is_dns_label, is_dns_subdomain
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.base import Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, Target, target_of
from kubectl_asm.rules.references import RefAt, near_miss, refs_of
from kubectl_asm.rules.stores import conditions_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM209", "invalid-name", Severity.ERROR, topics=("invalid-name",))

_ITEM = re.compile(r"[-_.a-zA-Z0-9]{1,253}", re.ASCII)
_LABEL_RULE: Final = "lower-case letters, digits and -, at most 63 characters"
_RULE: Final = "lower-case letters, digits, - and ., at most 253 characters"


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield every name that Kubernetes refuses, and every reference that therefore leads nowhere."""
    if subject.has(("metadata", "name")):
        yield from _subdomain(("metadata", "name"), subject.name)
    if subject.namespace and subject.has(("metadata", "namespace")):
        yield from _namespace(("metadata", "namespace"), subject.namespace)
    for ref in refs_of(subject):
        yield from _ref(ref, ctx)
    if (target := target_of(subject)) is not None:
        yield from _of_target(target)
    if isinstance(subject.obj, ClusterExternalSecret) and subject.has(("spec", "externalSecretName")):
        yield from _subdomain(("spec", "externalSecretName"), subject.obj.spec.external_secret_name)
    for at in conditions_of(subject):
        for index, name in enumerate(at.condition.namespaces):
            if name or subject.has((*at.path, "namespaces", index)):
                hint = "names are literal: put a pattern into namespaceRegexes" if set(name) & set("*?[^$") else ""
                yield from _namespace((*at.path, "namespaces", index), name, hint)


def _ref(ref: RefAt, ctx: RuleContext) -> Iterator[Hit]:
    """An object of that name cannot exist anywhere; one with nearly that name may be in the input."""
    if not is_dns_subdomain(ref.name):
        yield from _subdomain((*ref.path, "name"), ref.name, near_miss(ref.kind, ref.namespace, ref.name, ctx))
    if ref.given_namespace:
        yield from _namespace((*ref.path, "namespace"), ref.given_namespace)
    if ref.key and not _ITEM.fullmatch(ref.key):
        yield Hit((*ref.path, "key"), _no_key(ref.key))


def _of_target(target: Target) -> Iterator[Hit]:
    spec = target.external.spec
    if spec.target.name:
        yield from _subdomain((*target.base, "target", "name"), spec.target.name)
    for index, element in enumerate(spec.target.template.template_from if spec.target.template else ()):
        for name, source in (("configMap", element.config_map), ("secret", element.secret)):
            if source is None:
                continue
            path = (*target.template_path, "templateFrom", index, name)
            if target.subject.has((*path, "name")):
                yield from _subdomain((*path, "name"), source.name)
            for number, item in enumerate(source.items):
                at = (*path, "items", number, "key")
                if not _ITEM.fullmatch(item.key) and target.subject.has(at):
                    yield Hit(at, _no_key(item.key))


def _subdomain(path: Path, name: str, hint: str = "") -> Iterator[Hit]:
    if not is_dns_subdomain(name):
        yield Hit(path, f"{quoted(name)} is no valid name: {_RULE}", hint)


def _namespace(path: Path, name: str, hint: str = "") -> Iterator[Hit]:
    if not is_dns_label(name):
        yield Hit(path, f"{quoted(name)} is no namespace name: {_LABEL_RULE}", hint)


def _no_key(key: str) -> str:
    return f"{quoted(key)} is no key: 1 to 253 letters, digits, -, _ and ."
