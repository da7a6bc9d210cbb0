"""ASM401 endpoint: kmsEndpoint is one of the three KMS hosts, and nothing else.

Why: requests are signed with credentials, so any other host is refused.
Bad::

    data:
      - {key: a, name: a, kmsEndpoint: "https://kms.cn-hangzhou.aliyuncs.com"}  # <- ASM401

Good::

    data:
      - {key: a, name: a, kmsEndpoint: kms.cn-hangzhou.aliyuncs.com}

Source: spec/endpoints.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.engine.endpoints import is_allowed_host
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.backend import Provider
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM401", "endpoint", Severity.ERROR, topics=("endpoint",), kinds=TARGETS)

_HINT: Final = "use kms-vpc.<region>.aliyuncs.com, kms.<region>.aliyuncs.com or <instance-id>.cryptoservice.kms.aliyuncs.com"


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield hosts that are refused. OOS reads ignore the field."""
    target = target_of(subject)
    assert target is not None
    if target.provider is Provider.OOS:
        return
    for at in target.entries():
        host = at.source.kms_endpoint.strip()
        if host and not is_allowed_host(host):
            path = (*at.path, "kmsEndpoint")
            yield Hit(path, f"{quoted(host)} is not a KMS endpoint", _HINT, change=_bare(path, host))


def _bare(path: Path, host: str) -> Change | None:
    """A URL of an allowed host means that host."""
    bare = host.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    return Change(ChangeKind.VALUE, path, bare) if is_allowed_host(bare) else None
