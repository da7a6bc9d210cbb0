"""Every form of the validation report says the same findings in its own way."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET

import pytest

from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.report.findings import Report, baseline_text, fingerprints, make_report, read_baseline
from kubectl_asm.report.lint_forms import FORMS, write_report
from kubectl_asm.rules import RULES
from kubectl_asm.rules.context import Choices
from kubectl_asm.rules.linting import lint

TEXT = """apiVersion: alibabacloud.com/v1alpha1
kind: ExternalSecret
metadata: {name: app, namespace: shop}
spec:
  data:
    - {key: a, name: "b <c>|%"}
    - {key: a, name: "b <c>|%"}
  dataProcess: [{extract: {key: x}}]
"""


def report(text: str = TEXT, file: str = "dir/a b.yaml") -> Report:
    return make_report(lint([SourceText(file, text.encode())], Choices()))


def written(form: str, what: Report) -> str:
    out = io.StringIO()
    write_report(out, what, form, RULES)
    return out.getvalue()


def test_sarif_names_rules_places_and_fingerprints() -> None:
    log = json.loads(written("sarif", report()))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert run["columnKind"] == "unicodeCodePoints"
    assert len({rule["id"] for rule in rules}) == len(RULES) + 1
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
    first = run["results"][0]["locations"][0]["physicalLocation"]
    assert first == {
        "artifactLocation": {"uri": "dir/a%20b.yaml"},
        "region": {"startLine": 6, "startColumn": 22, "endLine": 6, "endColumn": 31},
    }
    marks = [result["partialFingerprints"]["kubectlAsm/v1"] for result in run["results"]]
    assert len(set(marks)) == len(marks)


def test_fingerprints_survive_moved_lines() -> None:
    assert fingerprints(report().findings) == fingerprints(report("# a comment\n\n" + TEXT).findings)


def test_validation_document_has_the_fields_of_the_contract() -> None:
    document = json.loads(written("json", report()))
    assert (document["apiVersion"], document["kind"]) == ("kubectl-asm/v1", "Validation")
    assert set(document["summary"]) == {"files", "documents", "resources", "errors", "warnings", "infos", "suppressed"}
    assert set(document["findings"][0]) == {
        *("code", "name", "severity", "file", "line", "column", "endLine", "endColumn"),
        *("path", "object", "message", "hint", "docs"),
    }
    assert document["findings"][0]["path"] == "spec.data[0].name"


def test_junit_is_xml_and_counts_failures() -> None:
    root = ET.fromstring(written("junit", report()))
    assert int(root.attrib["failures"]) == len(root.findall(".//failure")) == 3
    assert len(root.findall(".//skipped")) == 1


def test_tap_and_github_and_gitlab() -> None:
    tap = written("tap", report()).split("\n")
    assert tap[:2] == ["TAP version 14", "1..4"]
    assert [line[:6] for line in tap if line.startswith(("ok", "not ok"))] == ["not ok", "not ok", "not ok", "ok 4 -"]
    github = written("github", report()).split("\n")
    assert github[0].startswith(
        "::error file=dir/a b.yaml,line=6,col=22,endLine=6,endColumn=31,title=ASM506 invalid-secret-key::"
    )
    assert "%25" in github[0]
    assert {item["severity"] for item in json.loads(written("gitlab", report()))} == {"critical", "minor", "info"}


def test_pages_escape_what_they_quote() -> None:
    assert "&lt;c&gt;" in written("html", report())
    assert "b <c>\\|%" in written("markdown", report())


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("charts/app/templates/es.yaml (helm)", "charts/app/templates/es.yaml"),
        ("overlays/prod/ (kustomize)", "overlays/prod/kustomization.yaml"),
    ],
)
def test_review_shows_what_was_built_at_the_file_it_was_built_from(file: str, told: str) -> None:
    text = TEXT.replace("spec:\n", "spec:\n  provider: KMS\n")
    what = report(text, file)
    results = json.loads(written("sarif", what))["runs"][0]["results"]
    place = {"artifactLocation": {"uri": told}, "region": {"startLine": 1, "startColumn": 1}}
    assert all(one["locations"][0]["physicalLocation"] == place for one in results)
    assert not any("fixes" in one for one in results), "the fix of what was built is no fix of its source"
    assert re.search(r"\(line 5 of what (helm|kustomize) builds\)", results[0]["message"]["text"])
    assert written("github", what).startswith(f"::error file={told},line=1,col=1,title=ASM208 enum::")
    assert {one["location"]["path"] for one in json.loads(written("gitlab", what))} == {told}
    assert {one["file"] for one in json.loads(written("json", what))["findings"]} == {file}


def test_page_puts_findings_below_their_files_and_loads_nothing() -> None:
    sources = [SourceText(name, TEXT.encode()) for name in ("one.yaml", "two.yaml")]
    text = written("html", make_report(lint(sources, Choices())))
    parts = text.split("<h2>")
    assert [part.partition("</h2>")[0] for part in parts[1:]] == ["<code>one.yaml</code>", "<code>two.yaml</code>"]
    assert "<code>6:22</code>" in parts[1]
    assert "ExternalSecret shop/app" in parts[1]
    assert "default-src 'none'" in parts[0]
    assert not re.search(r"<script|src=|https?://", text)


@pytest.mark.parametrize("form", FORMS)
def test_an_input_without_findings_is_a_valid_report(form: str) -> None:
    assert bool(written(form, report("a: 1\n"))) == (form != "github")


def test_baseline_hides_what_it_knows_and_nothing_else() -> None:
    old = report()
    known = read_baseline(json.loads(baseline_text(old.findings)))
    again = make_report(lint([SourceText("dir/a b.yaml", TEXT.encode())], Choices()), known)
    assert (again.findings, again.suppressed) == ((), len(old.findings))
    newer = make_report(lint([SourceText("dir/a b.yaml", (TEXT + "  rotationInterval: soon\n").encode())], Choices()), known)
    assert [one.finding.code for one in newer.findings] == ["ASM210"]


def test_baseline_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="Baseline"):
        read_baseline({"kind": "Config"})


def test_sarif_carries_the_edit_of_a_fix() -> None:
    text = TEXT.partition("spec:")[0] + "spec:\n  provider: KMS\n  data: [{key: a}]\n"
    (result,) = json.loads(written("sarif", report(text)))["runs"][0]["results"]
    ((change,),) = [fix["artifactChanges"] for fix in result["fixes"]]
    assert change["artifactLocation"] == {"uri": "dir/a%20b.yaml"}
    (replacement,) = change["replacements"]
    assert replacement["insertedContent"] == {"text": "kms"}
    assert replacement["deletedRegion"] == result["locations"][0]["physicalLocation"]["region"]
