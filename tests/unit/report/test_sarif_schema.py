"""SARIF logs are valid under the schema of OASIS, for every bad manifest of the corpus, for fixes and for nothing at all.

The schema is the published one (SARIF 2.1.0 errata 01), unchanged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.report.findings import make_report
from kubectl_asm.report.sarif import sarif
from kubectl_asm.rules import RULES
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint

CORPUS = Path(__file__).parents[2] / "rules" / "corpus"
HOSTILE = ["\x00", "a: \xff", "a" * 10, "a: [\n", "<stdin>", "a: &b [*b]"]


@pytest.fixture(scope="module")
def schema() -> Any:
    return jsonschema_rs.validator_for(
        json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text()), validate_formats=True
    )


def log(*sources: SourceText) -> dict[str, Any]:
    return sarif(make_report(lint(sources, Choices())), RULES)


def problems(schema: Any, document: dict[str, Any]) -> list[str]:
    return [f"{'/'.join(map(str, one.instance_path))}: {one.message[:200]}" for one in schema.iter_errors(document)]


def test_log_of_every_bad_manifest_is_valid(schema: Any) -> None:
    files = sorted((CORPUS / "bad").rglob("*.*"))
    document = log(*(SourceText(str(path.relative_to(CORPUS)), path.read_bytes()) for path in files))
    results = document["runs"][0]["results"]
    assert len(results) > 200
    assert any("fixes" in one for one in results)
    assert problems(schema, document) == []


def test_log_without_findings_is_valid(schema: Any) -> None:
    assert problems(schema, log()) == []


@pytest.mark.parametrize("name", ["<stdin>", "dir (kustomize)", "ä b#?%.yaml", "C:\\in.yaml", "/abs/in.yaml", "../in.yaml"])
def test_log_about_a_file_of_any_name_is_valid(schema: Any, name: str) -> None:
    document = log(SourceText(name, b"apiVersion: alibabacloud.com/v1alpha1\nkind: X\n"))
    assert document["runs"][0]["results"]
    assert problems(schema, document) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_log_about_hostile_text_is_valid(schema: Any, text: str) -> None:
    assert problems(schema, log(SourceText("in.yaml", text.encode("latin-1")))) == []


def test_schema_refuses_what_is_no_log(schema: Any) -> None:
    document = log(SourceText("in.yaml", b"apiVersion: alibabacloud.com/v1alpha1\nkind: X\n"))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert problems(schema, document)
