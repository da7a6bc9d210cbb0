"""The engine answers every recorded template as Go does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.harness.parity import Result, cases, run_parity

TABLES = sorted((Path(__file__).parent / "tables").glob("*.jsonl"))


@cache
def results(table: Path) -> list[Result]:
    return run_parity([str(table)])


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_every_recorded_answer_is_given(table: Path) -> None:
    failed = [f"{result.name}: {result.detail}" for result in results(table) if not result.passed]
    assert not failed, f"{len(failed)} of {table.name}:\n" + "\n".join(failed[:20])


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_error_texts_are_those_of_go(table: Path) -> None:
    different = [f"{result.name}: {result.detail}" for result in results(table) if result.passed and result.detail]
    assert not different, "\n".join(different[:20])


def test_case_ids_are_unique() -> None:
    ids = [case["id"] for case in cases([str(table) for table in TABLES])]
    assert len(ids) == len(set(ids))
