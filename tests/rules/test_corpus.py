"""The lint corpora: good manifests stay silent, bad ones are reported at the exact place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubectl_asm.rules import RULES
from tests.harness.lint import run_lint

HERE = Path(__file__).parent


@pytest.mark.parametrize(("folder", "least"), [("corpus", 188), ("places", 350)])
def test_corpus_passes(folder: str, least: int) -> None:
    results = run_lint([str(HERE / folder)])
    assert len(results) >= least
    assert [f"{one.name}: {one.detail}" for one in results if not one.passed] == []


def test_every_topic_of_a_rule_has_a_case() -> None:
    texts = [yaml.load((HERE / folder / "cases.yaml").read_text(), Loader=yaml.CSafeLoader) for folder in ("corpus", "places")]
    told = {finding.get("topic") for text in texts for case in text["cases"] for finding in case.get("findings", ())}
    assert {topic for rule in RULES for topic in rule.meta.topics} - told == set()
