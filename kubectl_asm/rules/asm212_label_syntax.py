"""ASM212 label-syntax: labels and annotations are ones the API server accepts.

Why: the object, the child or the Secret is refused.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        metadata:
          labels:
            note: "free text!"  # <- ASM212

Good::

    data: [{key: a, name: a}]
    target:
      template:
        metadata:
          labels:
            note: free-text

Source: spec/lint.md section 2; Kubernetes label syntax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.access import is_label_key, is_label_value
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.base import Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM212", "label-syntax", Severity.ERROR, topics=("label-syntax",))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every key and fixed value that the API server refuses."""
    assert subject.obj is not None
    metadata = subject.obj.metadata
    yield from _metadata(("metadata",), metadata.labels, metadata.annotations)
    if isinstance(subject.obj, ClusterExternalSecret):
        child = subject.obj.spec.external_secret_metadata
        yield from _metadata(("spec", "externalSecretMetadata"), child.labels, child.annotations)
    target = target_of(subject)
    if target is not None and target.external.template is not None:
        for key, value in target.external.template.metadata.labels.items():
            if "{{" not in value and not is_label_value(value):
                yield Hit(
                    (*target.template_path, "metadata", "labels", key), f"{quoted(value)} is no label value: the write fails"
                )


def _metadata(path: Path, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Iterator[Hit]:
    for key, value in labels.items():
        if not is_label_key(key):
            yield key_hit((*path, "labels", key), f"{quoted(key)} is no label key")
        if not is_label_value(value):
            yield Hit((*path, "labels", key), f"{quoted(value)} is no label value")
    for key in annotations:
        if not is_label_key(key.lower()):
            yield key_hit((*path, "annotations", key), f"{quoted(key)} is no annotation key")
