"""ASM208 enum: words of a fixed set are spelled exactly.

Why: the API server or the controller refuses any other word.
Bad::

    provider: KMS  # <- ASM208
    data: [{key: a, name: a}]

Good::

    provider: kms
    data: [{key: a, name: a}]

Source: spec/api.md sections 3, 3.2 and 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND, STORE_KIND
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.shape import nearest
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM208", "enum", Severity.ERROR, topics=("enum",), kinds=TARGETS)

_PROVIDERS: Final = tuple(map(str, Provider))
_POLICIES: Final = ("Replace", "Merge")
_AS: Final = ("Values", "KeysAndValues")
_TARGETS: Final = ("Data", "Annotations", "Labels")


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every word outside its set."""
    target = target_of(subject)
    assert target is not None
    spec = target.external.spec
    yield from _word((*target.base, "provider"), spec.provider, _PROVIDERS)
    for entry in target.entries():
        ref = entry.source.secret_store_ref
        if ref is not None:
            yield from _word((*entry.path, "secretStoreRef", "kind"), ref.kind, (STORE_KIND, CLUSTER_STORE_KIND))
    template = spec.target.template
    if template is None:
        return
    path = target.template_path
    yield from _word((*path, "mergePolicy"), template.merge_policy, _POLICIES)
    for index, element in enumerate(template.template_from):
        at = (*path, "templateFrom", index)
        yield from _word((*at, "target"), element.target, _TARGETS)
        for name, source in (("configMap", element.config_map), ("secret", element.secret)):
            for number, item in enumerate(source.items if source else ()):
                yield from _word((*at, name, "items", number, "templateAs"), item.template_as, _AS)


def _word(path: Path, word: str, allowed: Sequence[str]) -> Iterator[Hit]:
    if word and word not in allowed:
        near = nearest(word.strip(), allowed, 0.6)
        hint = f"did you mean {near}?" if near else ""
        meant = only_meant(word, allowed)
        change = Change(ChangeKind.VALUE, path, meant) if meant else None
        yield Hit(path, f"{path[-1]} {quoted(word)} is none of {', '.join(allowed)}", hint, change=change)
