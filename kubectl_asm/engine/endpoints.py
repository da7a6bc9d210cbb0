"""Which host an entry's call goes to, and whether that host is acceptable.

Source: spec/endpoints.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from kubectl_asm.model.backend import ErrorClass, Provider, Refusal
from kubectl_asm.model.externalsecret import DataSource
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.variables import STS_HOST

_ALLOWED = re.compile(r"(?:[a-z0-9-]+\.cryptoservice\.kms|kms-vpc\.[a-z0-9-]+|kms\.[a-z0-9-]+)\.aliyuncs\.com", re.ASCII)
DEDICATED_SUFFIX: Final = ".cryptoservice.kms.aliyuncs.com"
DEFAULT_STS_HOST: Final = "sts.aliyuncs.com"
_FINANCE_REGION: Final = "cn-hangzhou-finance"


class Endpoint(msgspec.Struct, frozen=True):
    """Host, the rule that chose it (entry, flag, default, oos), the CA and, if unusable, why.

    refusal: a forbidden host. gap: no region to build the default host, which a backend without hosts may ignore.
    """

    host: str
    rule: str
    ca_file: str = ""
    refusal: Refusal | None = None
    gap: Refusal | None = None


def resolve_endpoint(provider: Provider, source: DataSource, settings: Settings) -> Endpoint:
    """Return the endpoint of an entry (precedence: entry, flag, default; OOS has its own)."""
    if provider is Provider.OOS:
        return _oos(settings)
    entry, flag = source.kms_endpoint.strip(), settings.kms_endpoint.strip()
    if entry:
        return _checked(entry, "entry", f"kmsEndpoint of entry {source.key}", settings)
    if flag:
        return _checked(flag, "flag", "--kms-endpoint", settings)
    if not settings.region:
        return Endpoint("", "default", gap=_no_region("the default KMS endpoint"))
    prefix = "kms-vpc" if settings.network == "vpc" else "kms"
    return _checked(f"{prefix}.{settings.region}.aliyuncs.com", "default", "--region", settings)


def _oos(settings: Settings) -> Endpoint:
    if settings.oos_endpoint:
        return Endpoint(settings.oos_endpoint, "oos")
    if not settings.region:
        return Endpoint("", "oos", gap=_no_region("the OOS endpoint"))
    if not re.fullmatch(r"[a-z0-9-]+", settings.region, re.ASCII):
        reason = f'--region "{settings.region[:64]}" is no region name'
        return Endpoint("", "oos", refusal=Refusal(ErrorClass.ENDPOINT, reason))
    prefix = "oos-vpc" if settings.network == "vpc" else "oos"
    return Endpoint(f"{prefix}.{settings.region}.aliyuncs.com", "oos")


def _no_region(what: str) -> Refusal:
    return Refusal(ErrorClass.ENDPOINT, f"no region to build {what}: set --region (Helm: command.region)")


def _checked(host: str, rule: str, origin: str, settings: Settings) -> Endpoint:
    if settings.endpoint_policy == "strict" and not is_allowed_host(host):
        reason = (
            f'{origin}: host "{host[:64]}" is not a KMS endpoint; use kms-vpc.<region>.aliyuncs.com,'
            " kms.<region>.aliyuncs.com or <instance-id>.cryptoservice.kms.aliyuncs.com"
        )
        return Endpoint(host, rule, refusal=Refusal(ErrorClass.ENDPOINT, reason))
    return Endpoint(host, rule, ca_file=ca_for(host, settings))


def is_allowed_host(host: str) -> bool:
    """Return whether a stripped host is one of the three KMS families, and nothing else."""
    return bool(_ALLOWED.fullmatch(host))


def is_dedicated(host: str) -> bool:
    """Return whether a host is a dedicated instance, whose certificate has its own authority."""
    return host.endswith(DEDICATED_SUFFIX)


def ca_for(host: str, settings: Settings) -> str:
    """Return the path of the only CA trusted for a host, empty for the system store (spec/endpoints.md 4)."""
    if not is_dedicated(host):
        return ""
    return settings.kms_ca_file or _ca_of_region(settings)


def with_present_ca(settings: Settings, exists: Callable[[str], bool]) -> Settings:
    """Return the settings without a CA folder that has no certificate of the region: the system store is used then."""
    path = _ca_of_region(settings)
    return settings if not path or exists(path) else settings.replaced({"kms_ca_dir": ""})


def _ca_of_region(settings: Settings) -> str:
    return f"{settings.kms_ca_dir.rstrip('/')}/{settings.region}.pem" if settings.kms_ca_dir and settings.region else ""


def sts_host(settings: Settings, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the STS host: flag, variable ALIBABA_CLOUD_STS_ENDPOINT, or the one of the region (spec/auth.md 6)."""
    if explicit := settings.sts_endpoint or environment.get(STS_HOST, "").strip():
        return explicit
    if not settings.region:
        return DEFAULT_STS_HOST
    region = "cn-hangzhou" if settings.region == _FINANCE_REGION else settings.region
    prefix = "sts-vpc" if settings.sts_network == "vpc" else "sts"
    return f"{prefix}.{region}.aliyuncs.com"
