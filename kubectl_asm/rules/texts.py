"""Every template of an ExternalSecret with the place of its text: inline, metadata, literals, and sources of the input.

Source: spec/templates.md 1 and 4; spec/lint.md 3 (template-syntax and following).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kubectl_asm.engine.entries import output_names
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.externalsecret import Template, TemplateFrom, TemplateSource
from kubectl_asm.model.objects import ConfigMap, Secret
from kubectl_asm.rules.context import RuleContext, Target
from kubectl_asm.rules.subjects import Subject


class TemplateText(msgspec.Struct, frozen=True):
    """One template. subject: the object its text lies in; has_places: whether characters of it have a place there.

    reference: the path in the target's own object that leads to a text of another object.
    """

    text: str
    subject: Subject
    path: Path
    is_metadata: bool = False
    has_places: bool = True
    reference: Path | None = None


def template_texts(target: Target, ctx: RuleContext) -> Iterator[TemplateText]:
    """Yield every template text of a target that is known, in the order of the rounds."""
    template = target.external.template
    if template is None:
        return
    subject, path = target.subject, target.template_path
    for key, text in template.data.items():
        yield TemplateText(text, subject, (*path, "data", key))
    for index, element in enumerate(template.template_from):
        yield from _element(element, (*path, "templateFrom", index), target, ctx)
    yield from _metadata(template, subject, path)


def _metadata(template: Template, subject: Subject, path: Path) -> Iterator[TemplateText]:
    for part, texts in (("labels", template.metadata.labels), ("annotations", template.metadata.annotations)):
        for key, text in texts.items():
            yield TemplateText(text, subject, (*path, "metadata", part, key), is_metadata=True)


def _element(element: TemplateFrom, path: Path, target: Target, ctx: RuleContext) -> Iterator[TemplateText]:
    if element.config_map is not None:
        yield from _source(element.config_map, "ConfigMap", (*path, "configMap"), target, ctx)
    elif element.secret is not None:
        yield from _source(element.secret, "Secret", (*path, "secret"), target, ctx)
    elif element.literal is not None:
        yield TemplateText(element.literal, target.subject, (*path, "literal"))


def _source(source: TemplateSource, kind: str, path: Path, target: Target, ctx: RuleContext) -> Iterator[TemplateText]:
    for number, item in enumerate(source.items):
        if text := source_text(ctx.find(kind, target.namespace, source.name), item.key):
            yield msgspec.structs.replace(text, reference=(*path, "items", number, "key"))


def source_text(subject: Subject | None, key: str) -> TemplateText | None:
    """Return the text under a key of a ConfigMap or Secret of the input, None when it is not there."""
    if subject is None:
        return None
    obj = subject.obj
    if isinstance(obj, ConfigMap) and key in obj.data:
        return TemplateText(obj.data[key], subject, ("data", key))
    if isinstance(obj, Secret) and key in obj.data and not subject.is_known_only:  # of a live Secret only keys are known
        is_plain = isinstance(subject.raw(("stringData", key)), str)
        path = ("stringData" if is_plain else "data", key)
        return TemplateText(obj.data[key].reveal_text(), subject, path, has_places=is_plain)
    return None


def delivered_fields(target: Target) -> frozenset[str] | None:
    """Return the fields that entries deliver, fallbacks of queries included; None when they are open.

    Any dataProcess leaves them open, and so does a name that cannot be read.
    """
    if target.external.spec.data_process or target.subject.is_lost_below((*target.base, "data")):
        return None
    return frozenset(name for at in target.entries() for name in output_names(at.source))
