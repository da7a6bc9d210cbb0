"""ASM107 size-limit: fixed template text fits into a Secret.

Why: a Secret holds 1 MiB; more can never be written.
Bad::

    target:
      template:
        data: {big: "xxxxxxxxxxxxxxxxxxxx"}  # with more than 1 MiB of text: <- ASM107

Good::

    target:
      template:
        data: {small: "text"}

Source: spec/lint.md section 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM107", "size-limit", Severity.ERROR, topics=("size-limit",), kinds=TARGETS)

MAX_BYTES: Final = 1_048_576
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the value, or the whole data, that is too large."""
    target = target_of(subject)
    template = target.external.template if target is not None else None
    if target is None or template is None or sum(map(len, template.data.values())) <= MAX_BYTES // 4:
        return
    sizes = {key: len(_ACTION.sub("", text).encode("utf-8", "surrogatepass")) for key, text in template.data.items()}
    path = (*target.template_path, "data")
    large = [key for key, size in sizes.items() if size > MAX_BYTES]
    for key in large:
        yield Hit((*path, key), f"{sizes[key]:,} bytes of fixed text: a Secret holds {MAX_BYTES:,}")
    if not large and sum(sizes.values()) > MAX_BYTES:
        yield key_hit(path, f"{sum(sizes.values()):,} bytes of fixed text in all: a Secret holds {MAX_BYTES:,}")
