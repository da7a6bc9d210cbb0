"""Alibaba Cloud regions, for suggestions only: no region is refused because it is missing here. Pure.

Source: spec/lint.md section 6.
"""

from __future__ import annotations

import re
from typing import Final

from kubectl_asm.engine.endpoints import is_allowed_host

REGIONS: Final = frozenset(
    """
    cn-hangzhou cn-shanghai cn-beijing cn-shenzhen cn-zhangjiakou cn-qingdao cn-huhehaote cn-chengdu cn-heyuan cn-wulanchabu
    cn-guangzhou cn-hongkong cn-nanjing cn-fuzhou cn-wuhan-lr cn-zhengzhou-jva cn-hangzhou-finance cn-shanghai-finance-1
    cn-shenzhen-finance-1 cn-beijing-finance-1 cn-north-2-gov-1 cn-heyuan-acdr-1 ap-northeast-1 ap-northeast-2 ap-south-1
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 eu-central-1
    eu-west-1 us-east-1 us-west-1 us-southeast-1 na-south-1 me-central-1 me-east-1 pre-env
    """.split()  # noqa: SIM905  # a list of words is read as words
)
_SHARED_HOST = re.compile(r"(kms|kms-vpc)\.([a-z0-9-]+)\.aliyuncs\.com", re.ASCII)


def region_of_host(host: str) -> tuple[str, bool] | None:
    """Return (region, whether the host is a VPC one) of an accepted shared KMS host, None for every other host."""
    match = _SHARED_HOST.fullmatch(host)
    if match is None or not is_allowed_host(host):
        return None
    return match[2], match[1] == "kms-vpc"


def probable_region(word: str) -> str:
    """Return the region that a word misspells by one edit, empty when it is one itself or none is near."""
    if word in REGIONS:
        return ""
    return next((region for region in sorted(REGIONS) if is_one_edit(word, region)), "")


def is_one_edit(word: str, other: str) -> bool:
    """Return whether one letter was added, lost or changed, or two neighbours swapped. Digits do not count as letters."""
    shorter, longer = sorted((word, other), key=len)
    if len(longer) - len(shorter) > 1 or word == other:
        return False
    start = next((at for at, (one, two) in enumerate(zip(shorter, longer, strict=False)) if one != two), len(shorter))
    if len(longer) > len(shorter):
        return shorter[start:] == longer[start + 1 :] and not longer[start].isdigit()
    if shorter[start + 1 :] == longer[start + 1 :]:
        return not (shorter[start].isdigit() or longer[start].isdigit())
    swapped = shorter[start + 1 : start + 2] + shorter[start : start + 1]
    return (
        swapped == longer[start : start + 2]
        and shorter[start + 2 :] == longer[start + 2 :]
        and not any(map(str.isdigit, swapped))
    )
