"""ASM614 extract-quoting: it is known how extract writes JSON strings.

Why: the README's form keeps the quotes, the newest controller writes the text alone.
Bad::

    dataProcess:
      - extract: {key: app}  # <- ASM614

Good::

    data:
      - {key: app, jmesPath: [{path: user, objectAlias: user}]}

Source: spec/data.md section 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.model.settings import ExtractStrings
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM614", "extract-quoting", Severity.INFO, topics=("extract-quoting",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield the first extract under the profile that quotes."""
    target = target_of(subject)
    assert target is not None
    first = next((at for at in target.entries() if at.is_extract), None)
    if first is not None and ctx.settings.extract_json_strings is ExtractStrings.QUOTED:
        message = 'extract writes strings of JSON documents with quotes ("14") here; newer controllers write 14'
        yield key_hit(first.path, message, "say which one runs: --compat, or --extract-json-strings")
