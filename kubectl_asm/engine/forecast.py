"""Which Secret keys an ExternalSecret can produce, as far as its text alone says, and what deleting it does. Pure.

Used by `explain` and rules.

Source: spec/data.md 3 and 5, spec/templates.md 1.1, spec/operation.md 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_asm.engine.admit import DATA as DATA_SIDE
from kubectl_asm.engine.admit import Entry, entries_of
from kubectl_asm.engine.lookups import Found, Lookup, Missing
from kubectl_asm.engine.ownership import refuse_takeover
from kubectl_asm.model.externalsecret import ExternalSecret, Template
from kubectl_asm.model.objects import FINALIZER, Secret


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys known beforehand; open: more may come that depend on values."""

    known: tuple[str, ...]
    open: bool = False


def entry_keys(entry: Entry) -> KeySet:
    """Return the keys of one entry. Queries may fall back to the raw value, so they are open."""
    source = entry.source
    if entry.side != DATA_SIDE:
        return KeySet((), True)
    if not source.jmes_path:
        return KeySet((source.target_key,))
    return KeySet(tuple(dict.fromkeys(rule.object_alias or source.key for rule in source.jmes_path)), True)


def raw_keys(external: ExternalSecret) -> KeySet:
    """Return the keys of the raw data map, which is what templates see."""
    known: dict[str, None] = {}
    is_open = False
    for entry in entries_of(external):
        keys = entry_keys(entry)
        known.update(dict.fromkeys(keys.known))
        is_open = is_open or keys.open
    return KeySet(tuple(sorted(known)), is_open)


def target_keys(external: ExternalSecret) -> KeySet:
    """Return the keys of the target Secret."""
    raw = raw_keys(external)
    template = external.template
    if template is None:
        return raw
    produced, is_open = _template_keys(template)
    if _keeps_raw(template):
        return KeySet(tuple(sorted({*raw.known, *produced})), raw.open or is_open)
    return KeySet(tuple(sorted(produced)), is_open)


def _template_keys(template: Template) -> tuple[set[str], bool]:
    produced = set(template.data)
    is_open = False
    for element in template.template_from:
        if element.target not in ("", "Data"):
            continue
        source = element.config_map or element.secret
        if source is None:
            produced.update({"literal"} if element.literal is not None else set())
            continue
        for item in source.items:
            if item.template_as == "KeysAndValues":
                is_open = True
            else:
                produced.add(item.key)
    return produced, is_open


def _keeps_raw(template: Template) -> bool:
    if template.merge_policy == "Merge":
        return True
    return not template.data and not any(element.target in ("", "Data") for element in template.template_from)


@dataclass(frozen=True, slots=True)
class DeletionForecast:
    """What deleting an ExternalSecret does to its target. removes: None when that cannot be known from here."""

    removes: bool | None
    reason: str


def deletion(external: ExternalSecret, target: Lookup[Secret] | None) -> DeletionForecast:
    """Return what a controller does to the target of a deleted object. target: None when nothing was looked up.

    Source: spec/writes-and-failures.md 8: the finalizer deletes the target whatever the clean-up flag says.
    """
    name = f"Secret {external.namespace}/{external.target_name}"
    if isinstance(target, Missing):
        return DeletionForecast(False, f"{name} does not exist")
    if isinstance(target, Found) and (refusal := refuse_takeover(external, target.obj, adopt=True)):
        return DeletionForecast(False, refusal)
    known = True if isinstance(target, Found) else None
    if FINALIZER not in external.metadata.finalizers:
        return DeletionForecast(known, f"a controller deletes {name}; the object carries no finalizer, so without one it stays")
    return DeletionForecast(known, f"a controller deletes {name} with all its keys, then releases the object")
