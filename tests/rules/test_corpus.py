"""The lint corpus: good manifests stay silent, bad ones are reported at the exact place."""

from __future__ import annotations

from pathlib import Path

from tests.harness.lint import run_lint


def test_corpus_passes() -> None:
    results = run_lint([str(Path(__file__).parent / "corpus")])
    assert len(results) == 188
    assert [f"{one.name}: {one.detail}" for one in results if not one.passed] == []
