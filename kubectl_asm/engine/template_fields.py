"""Which fields a target template reads, against the keys its object can produce. Pure; no value is needed.

Source: spec/templates.md 2; static analysis of the template engine.
"""

from __future__ import annotations

from kubectl_asm.engine.forecast import raw_keys
from kubectl_asm.gotemplate import TemplateError, parse
from kubectl_asm.gotemplate.scan import analyse
from kubectl_asm.model.externalsecret import ExternalSecret


def unknown_fields(external: ExternalSecret, *, profile: str = "seed") -> tuple[str, ...]:
    """Return fields of inline templates that no entry of the object produces; none when the set of keys is open."""
    keys = raw_keys(external)
    if external.template is None or keys.open:
        return ()
    metadata = external.template.metadata
    texts = (*external.template.data.values(), *metadata.labels.values(), *metadata.annotations.values())
    found: dict[str, None] = {}
    for text in texts:
        try:
            report = analyse(parse(text, profile=profile), known=keys.known)
        except TemplateError:
            continue  # the round itself reports text that does not parse
        found.update(dict.fromkeys(field.name for field in report.missing_fields))
    return tuple(found)
