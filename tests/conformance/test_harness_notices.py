"""The harness checks every field a case expects: each one, made wrong, fails its case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance.test_cases import CASES, HISTORY
from tests.harness.conformance import load_cases, run_case

SAMPLES = 3
OTHER = {"advanced": "kept", "kept": "advanced", "ok": "error", "error": "ok"}


def wrong(value: Any) -> Any:
    """Return another value of the same shape."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 17
        case str():
            return OTHER.get(value, f"{value}-wrong")
        case dict():
            return {key: wrong(item) for key, item in value.items()} or {"wrong": "x"}
        case list():
            return [wrong(item) for item in value] or ["wrong"]
        case _:
            return "wrong"


def samples() -> list[Any]:
    """Return (case, field) for the first cases that expect a field."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for _, case in load_cases([str(CASES)]):
        if case.get("profile") != HISTORY and not case.get("unverified"):
            for field in case["expect"]:
                found.setdefault(field, []).append(case)
    return [
        pytest.param(case, field, id=f"{field}-{case['name']}")
        for field, cases in sorted(found.items())
        for case in cases[:SAMPLES]
    ]


@pytest.mark.parametrize(("case", "field"), samples())
def test_a_wrong_expectation_fails_its_case(case: Mapping[str, Any], field: str) -> None:
    spoiled = {**case, "expect": {**case["expect"], field: wrong(case["expect"][field])}}
    assert not run_case(spoiled, case.get("profile", "seed")).passed
