"""The controller's loop on a fake clock decides what one-shot passes decide: the conformance cases, through its queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conformance.test_cases import gating_runs
from tests.harness.conformance import run_case
from tests.harness.serving import SERVED

AREAS = ("write.", "status", "cluster.expand", "data.limit", "data.retry")


def served_runs() -> Iterator[Any]:
    return (run for run in gating_runs() if run.values[0].get("area", "").startswith(AREAS))


@pytest.mark.parametrize(("case", "profile"), list(served_runs()))
def test_case_holds_in_the_loop(case: Mapping[str, Any], profile: str) -> None:
    assert run_case(case, profile, SERVED).problems == ()
