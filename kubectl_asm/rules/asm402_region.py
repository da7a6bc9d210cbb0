"""ASM402 region: endpoints name a region that exists and can be reached.

Why: a misspelt region has no host, and a VPC gateway answers in its own region only.
Bad::

    data:
      - {key: a, name: a, kmsEndpoint: kms.cn-hangzou.aliyuncs.com}  # <- ASM402

Good::

    data:
      - {key: a, name: a, kmsEndpoint: kms.cn-hangzhou.aliyuncs.com}

Source: spec/endpoints.md sections 1, 2 and 5; spec/lint.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.endpoints import resolve_endpoint
from kubectl_asm.engine.regions import probable_region, region_of_host
from kubectl_asm.model.backend import Provider
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import EntryAt, RuleContext, target_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM402", "region", Severity.WARNING, topics=("region",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield misspelt regions, VPC hosts of another region, and objects that need a region where none is."""
    target = target_of(subject)
    assert target is not None
    provider = target.provider
    if provider is None:
        return
    if provider is Provider.KMS:
        for at in target.entries():
            yield from _host(at, ctx)
    if _is_region_empty(provider, ctx):
        gaps = (at for at in target.entries() if resolve_endpoint(provider, at.source, ctx.settings).gap is not None)
        if (first := next(gaps, None)) is not None:
            yield Hit((*first.path, "key"), f"no region to build the {provider.upper()} endpoint: command.region is empty")


def _host(at: EntryAt, ctx: RuleContext) -> Iterator[Hit]:
    found = region_of_host(at.source.kms_endpoint.strip())
    if found is None:
        return
    region, is_vpc = found
    path = (*at.path, "kmsEndpoint")
    if near := probable_region(region):
        yield Hit(path, f"region {quoted(region)} does not exist; {near} is meant", f"write {near}")
    elif is_vpc and ctx.is_known("region") and ctx.settings.region and region != ctx.settings.region:
        message = f"the VPC gateway of {region} cannot be reached from region {ctx.settings.region}"
        yield Hit(path, message, f"use kms.{region}.aliyuncs.com")


def _is_region_empty(provider: Provider, ctx: RuleContext) -> bool:
    names = ("region",) if provider is Provider.OOS else ("region", "kms_endpoint")
    return ctx.is_known(*names) and not ctx.settings.region
