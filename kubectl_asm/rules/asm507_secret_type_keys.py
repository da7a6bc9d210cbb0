"""ASM507 secret-type-keys: a Secret has the keys its type requires.

Why: the API server refuses the Secret.
Bad::

    type: kubernetes.io/tls  # <- ASM507
    data: [{key: c, name: tls.crt}]

Good::

    type: kubernetes.io/tls
    data: [{key: c, name: tls.crt}, {key: k, name: tls.key}]

Source: spec/writes-and-failures.md section 2; spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.entries import output_names
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext, Target, target_of
from kubectl_asm.rules.outputs import keeps_raw, template_outputs
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM507", "secret-type-keys", Severity.ERROR, topics=("secret-type-keys",), kinds=TARGETS)

_REQUIRED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "kubernetes.io/tls": (("tls.crt",), ("tls.key",)),
    "kubernetes.io/dockerconfigjson": ((".dockerconfigjson",),),
    "kubernetes.io/dockercfg": ((".dockercfg",),),
    "kubernetes.io/ssh-auth": (("ssh-privatekey",),),
    "kubernetes.io/basic-auth": (("username", "password"),),
}


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield types whose keys are surely missing."""
    target = target_of(subject)
    assert target is not None
    spec = target.external.spec
    template_type = spec.target.template.type if spec.target.template else ""
    wanted = template_type or spec.type
    keys = _keys(target) if wanted in _REQUIRED else None
    if keys is None or any(subject.has_refused_below((*target.base, name)) for name in ("data", "dataProcess", "target")):
        return
    missing = [" or ".join(words) for words in _REQUIRED[wanted] if not any(word in keys for word in words)]
    if missing:
        path = (*target.template_path, "type") if template_type else (*target.base, "type")
        yield Hit(path, f"type {wanted} needs the key {' and '.join(missing)}, which nothing writes")


def _keys(target: Target) -> set[str] | None:
    """Return every key that may be written, None when they are not known."""
    template = target.external.template
    keys: set[str] = set()
    if keeps_raw(template):
        if target.external.spec.data_process:
            return None
        keys.update(name for at in target.entries() for name in output_names(at.source))
    for element in template.template_from if template else ():
        source = element.config_map or element.secret
        if element.target in ("", "Data") and any(
            item.template_as == "KeysAndValues" for item in (source.items if source else ())
        ):
            return None
    keys.update(output.key for output in template_outputs(target) if output.target == "Data")
    return keys
