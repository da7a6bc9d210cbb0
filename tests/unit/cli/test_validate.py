"""kubectl asm validate and rules: exit codes, several reports in one run, what a user can get wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubectl_asm.cli.main import main

GOOD = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: app}\nspec: {data: [{key: a, name: a}]}\n"
BAD = GOOD.replace("name: a}]", "naem: a}]")
WARNING = GOOD.replace("name: a}]", "name: a}, {key: b, name: a}]")


def run(tmp_path: Path, text: str, *arguments: str) -> int:
    path = tmp_path / "app.yaml"
    path.write_text(text)
    return main(["kubectl-asm", "validate", str(path), *arguments])


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        (GOOD, (), 0),
        (BAD, (), 1),
        ("a: [", (), 1),
        (WARNING, (), 0),
        (WARNING, ("--fail-on", "warning"), 1),
        (BAD, ("--fail-on", "never"), 0),
        (BAD, ("--ignore", "unknown-field"), 0),
        (BAD, ("--severity", "ASM203=warning"), 0),
        (BAD, ("--select", "ASM999"), 2),
        (BAD, ("-o", "yaml"), 2),
        (BAD, ("-o", "json", "-o", "sarif"), 2),
        (BAD, ("--target", "soon"), 2),
        (BAD, ("--severity", "ASM203"), 2),
        (BAD, ("--from-deployment", "a/b"), 2),
        (BAD, ("--values", "values.yaml"), 2),
    ],
)
def test_exit_code(tmp_path: Path, text: str, arguments: tuple[str, ...], code: int) -> None:
    assert run(tmp_path, text, *arguments) == code


def test_unreadable_path_could_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubectl-asm", "validate", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml" in capsys.readouterr().err


def test_several_reports_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, BAD, "-o", "json", "-o", f"sarif={tmp_path / 'a.sarif'}", "-o", f"junit={tmp_path / 'a.xml'}") == 1
    assert json.loads(capsys.readouterr().out)["summary"]["errors"] == 1
    assert json.loads((tmp_path / "a.sarif").read_text())["runs"][0]["results"]
    assert "<failure" in (tmp_path / "a.xml").read_text()


def test_baseline_is_written_and_used(tmp_path: Path) -> None:
    baseline = str(tmp_path / "baseline.json")
    assert run(tmp_path, BAD, "--write-baseline", baseline) == 0
    assert run(tmp_path, BAD, "--baseline", baseline) == 0
    assert run(tmp_path, BAD + "---\n" + WARNING.replace("key: b", "kee: b"), "--baseline", baseline) == 1


def test_helm_values_tell_the_region(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("command: {region: '', kmsEndpoint: ''}\n")
    assert run(tmp_path, GOOD, "--fail-on", "warning") == 0
    assert run(tmp_path, GOOD, "--fail-on", "warning", "--helm-values", str(values)) == 1


def test_closed_world_and_namespace(tmp_path: Path) -> None:
    text = GOOD.replace("name: a}]", "name: a, secretStoreRef: {name: kms}}]")
    store = "---\napiVersion: alibabacloud.com/v1alpha1\nkind: SecretStore\nmetadata: {name: kms, namespace: shop}\n"
    store += "spec: {KMS: {KMSAuth: {}}}\n"
    assert run(tmp_path, text + store) == 0
    assert run(tmp_path, text + store, "--closed-world") == 1
    assert run(tmp_path, text + store, "--closed-world", "-n", "shop") == 0


def test_rules_are_listed_and_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubectl-asm", "rules"]) == 0
    assert "ASM603  error" in capsys.readouterr().out
    assert main(["kubectl-asm", "rules", "jmespath"]) == 0
    assert capsys.readouterr().out.startswith("ASM603 jmespath: ")
    assert main(["kubectl-asm", "rules", "ASM998"]) == 2


def test_fix_writes_the_file_and_reports_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, BAD + "---\n" + BAD.replace("name: app", "name: web").replace("naem", "qqqq"), "--fix") == 1
    text = (tmp_path / "app.yaml").read_text()
    assert text.startswith(GOOD)
    told = capsys.readouterr()
    assert "1 finding fixed in 1 file" in told.err
    assert "qqqq" in told.out
    assert "naem" not in told.out


def test_fix_with_dry_run_prints_a_diff_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, BAD, "--fix", "--dry-run", "-o", f"json={tmp_path / 'report.json'}") == 1
    assert (tmp_path / "app.yaml").read_text() == BAD
    out = capsys.readouterr().out
    assert "\n-spec: {data: [{key: a, naem: a}]}\n+spec: {data: [{key: a, name: a}]}\n" in out
    item = json.loads((tmp_path / "report.json").read_text())["findings"][0]
    assert item["fix"]["text"] == "name"
    assert run(tmp_path, GOOD, "--fix", "--dry-run") == 0


def test_diff_of_a_fix_never_shows_a_secret_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: hunter2}\n---\n"
    run(tmp_path, secret + BAD + "---\n" + secret, "--fix", "--dry-run")
    out = capsys.readouterr()
    assert "+spec" in out.out
    assert "hunter2" not in out.out + out.err


def test_fix_leaves_a_read_only_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(BAD)
    (tmp_path / ".app.yaml.asm-new").mkdir()
    assert main(["kubectl-asm", "validate", str(tmp_path / "app.yaml"), "--fix"]) == 2
    assert (tmp_path / "app.yaml").read_text() == BAD


@pytest.mark.parametrize("arguments", [("--dry-run",), ("--fix", "--dry-run", "-o", "json")])
def test_fix_options_that_contradict_could_not_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(tmp_path, BAD, *arguments) == 2
