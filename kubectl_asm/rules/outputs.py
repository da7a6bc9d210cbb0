"""The keys an ExternalSecret writes, with the place that names each of them.

Two phases write keys: entries, then templates. They never compete: templates replace or deliberately override.
Source: spec/data.md 3; spec/templates.md 1 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kubectl_asm.engine.template import DATA
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.externalsecret import Template
from kubectl_asm.rules.base import Place
from kubectl_asm.rules.context import EntryAt, Target


class Output(msgspec.Struct, frozen=True):
    """One key. origin: name, key, objectAlias, data, item or literal; target: Data, Labels or Annotations."""

    key: str
    path: Path
    origin: str
    place: Place = Place.VALUE
    target: str = DATA


def entry_outputs(at: EntryAt) -> Iterator[Output]:
    """Yield the keys of one data entry; what a failing query falls back to is not among them."""
    source = at.source
    if at.is_extract:
        return
    if source.jmes_path:
        for index, rule in enumerate(source.jmes_path):
            if rule.object_alias:
                yield Output(rule.object_alias, (*at.path, "jmesPath", index, "objectAlias"), "objectAlias")
        return
    origin = "name" if source.name else "key"
    if source.target_key:
        yield Output(source.target_key, (*at.path, origin), origin)


def raw_outputs(target: Target) -> Sequence[Output]:
    """Return the keys of all data entries."""
    memo = target.subject.memo
    if "raw_outputs" not in memo:
        has_names = not target.subject.is_lost_below((*target.base, "data"))
        entries = (at for at in target.entries() if has_names or not target.subject.is_lost_below((*at.path, "name")))
        memo["raw_outputs"] = tuple(output for at in entries for output in entry_outputs(at))
    found: Sequence[Output] = memo["raw_outputs"]
    return found


def template_outputs(target: Target) -> Sequence[Output]:
    """Return the keys of templates whose names are fixed."""
    memo = target.subject.memo
    if "template_outputs" not in memo:
        memo["template_outputs"] = tuple(_template_outputs(target))
    found: Sequence[Output] = memo["template_outputs"]
    return found


def _template_outputs(target: Target) -> Iterator[Output]:
    template = target.external.template
    if template is None:
        return
    for key in template.data:
        yield Output(key, (*target.template_path, "data", key), "data", Place.KEY)
    for index, element in enumerate(template.template_from):
        path = (*target.template_path, "templateFrom", index)
        where = element.target or DATA
        name, source = ("configMap", element.config_map) if element.config_map is not None else ("secret", element.secret)
        if source is not None:
            for number, item in enumerate(source.items):
                if item.template_as != "KeysAndValues" and item.key:
                    yield Output(item.key, (*path, name, "items", number, "key"), "item", target=where)
        elif element.literal is not None:
            yield Output("literal", (*path, "literal"), "literal", Place.KEY, where)


def keeps_raw(template: Template | None) -> bool:
    """Return whether fetched keys stay in the Secret (spec/templates.md 1.1)."""
    if template is None or template.merge_policy == "Merge":
        return True
    return not template.data and not any(element.target in ("", DATA) for element in template.template_from)
