"""ASM501 contradictory-fields: no field is there in vain.

Why: a field that is ignored says something the controller does not do.
Bad::

    provider: oos
    data:
      - key: p
        name: p
        versionId: v1  # <- ASM501

Good::

    provider: oos
    data:
      - key: p
        name: p

Source: spec/data.md sections 2.2 and 5.4; spec/templates.md section 4; spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.engine.jmes_scan import is_plain_member
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import EntryAt, RuleContext, Target, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM501", "contradictory-fields", Severity.WARNING, topics=("contradictory-fields",), kinds=TARGETS)

_OOS_IGNORES: Final = (("versionId", "version_id"), ("versionStage", "version_stage"), ("kmsEndpoint", "kms_endpoint"))
_SOURCES: Final = (("configMap", "config_map"), ("secret", "secret"), ("literal", "literal"))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield fields that are ignored, and objects that do nothing."""
    target = target_of(subject)
    assert target is not None
    for at in target.entries():
        yield from _entry(at, target)
    yield from _processes(target)
    yield from _sources(target)
    yield from _types(target)
    yield from _nothing(target)


def _entry(at: EntryAt, target: Target) -> Iterator[Hit]:
    source = at.source
    if target.provider is Provider.OOS:
        for name, attribute in _OOS_IGNORES:
            if getattr(source, attribute):
                path = (*at.path, name)
                yield key_hit(path, f"{name} is ignored by provider oos", "remove it", change=Change(ChangeKind.REMOVE, path))
    elif source.version_id and source.version_stage:
        message = "versionId beside versionStage: the service gets both"
        yield key_hit((*at.path, "versionId"), message, "one of them is enough", Severity.INFO)
    ref = source.secret_store_ref
    if ref is not None and ref.kind == CLUSTER_STORE_KIND and ref.namespace:
        path = (*at.path, "secretStoreRef", "namespace")
        message = "namespace is ignored beside kind ClusterSecretStore"
        yield key_hit(path, message, "remove it", Severity.INFO, Change(ChangeKind.REMOVE, path))
    if at.is_extract:
        yield from _renames(at)


def _renames(at: EntryAt) -> Iterator[Hit]:
    for index, rule in enumerate(at.source.jmes_path):
        path = (*at.path, "jmesPath", index, "path")
        if rule.path and not _is_member(rule.path):
            message = f"{quoted(rule.path)} is compared with member names as it is: under extract nothing is evaluated"
            yield Hit(path, message, "use data[].jmesPath for expressions")


def _is_member(path: str) -> bool:
    return is_plain_member(path) or all(char.isalnum() or char in "-_" for char in path)


def _processes(target: Target) -> Iterator[Hit]:
    for index, process in enumerate(target.external.spec.data_process):
        path = (*target.base, "dataProcess", index)
        if process.extract is None and not target.subject.has_refused_below(path):
            yield Hit(path, "an element without extract is skipped", "add extract or remove the element")


def _sources(target: Target) -> Iterator[Hit]:
    template = target.external.template
    for index, element in enumerate(template.template_from if template else ()):
        path = (*target.template_path, "templateFrom", index)
        present = [name for name, attribute in _SOURCES if getattr(element, attribute) is not None]
        for name in present[1:]:
            yield key_hit((*path, name), f"{name} is ignored beside {present[0]}", "write one element a source")
        if not present and not target.subject.has_refused_below(path):
            yield Hit(path, "an element without configMap, secret or literal yields nothing, yet clears fetched keys")


def _types(target: Target) -> Iterator[Hit]:
    spec = target.external.spec
    other = spec.target.template.type if spec.target.template else ""
    if spec.type and other and spec.type != other:
        message = f"type {quoted(spec.type)} is ignored: target.template.type is {quoted(other)}"
        yield key_hit((*target.base, "type"), message, "remove one of the two", Severity.INFO)


def _nothing(target: Target) -> Iterator[Hit]:
    spec, subject = target.external.spec, target.subject
    if spec.data or spec.data_process or spec.target.template is not None or subject.has_refused_below(target.base):
        return
    if target.base == ("spec",) and not subject.has(("spec",)):
        yield Hit(("metadata", "name"), "nothing to do: no data, no dataProcess, no template")
    elif subject.has(target.base):
        yield key_hit(target.base, "nothing to do: no data, no dataProcess, no template")
