"""Every conformance case holds under every profile it speaks of.

More cases: set KUBECTL_ASM_CASES to a file or folder, or to several joined by the path separator.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness.conformance import PROFILES, load_cases, run_case

CASES = Path(__file__).parent / "cases"
HISTORY = "v0.5.8"


def folders() -> list[str]:
    more = os.environ.get("KUBECTL_ASM_CASES", "")
    return [str(CASES), *filter(None, more.split(os.pathsep))]


def gating_runs() -> Iterator[Any]:
    """Yield (case, profile) of all that counts: neither history nor facts that nobody verified."""
    for file, case in load_cases(folders()):
        if case.get("profile") == HISTORY or case.get("unverified"):
            continue
        for profile in PROFILES:
            if case.get("profile", profile) == profile:
                yield pytest.param(case, profile, id=f"{file.removesuffix('.yaml')}-{case['name']}-{profile}")


@pytest.mark.parametrize(("case", "profile"), list(gating_runs()))
def test_case_holds(case: Mapping[str, Any], profile: str) -> None:
    assert run_case(case, profile).problems == ()


def test_case_names_are_unique() -> None:
    names = Counter(case["name"] for _, case in load_cases([str(CASES)]))
    assert [name for name, count in names.items() if count > 1] == []
