"""validate under an .asm.yaml: paths, context, exclusions, severities and suppressions, and what the command line overrides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_asm.cli.main import main

HEAD = "apiVersion: alibabacloud.com/v1alpha1\nkind: ExternalSecret\nmetadata: {name: %s}\nspec: {data: [{key: a, name: %s}]}\n"
STORE = "apiVersion: alibabacloud.com/v1alpha1\nkind: SecretStore\nmetadata: {name: kms}\nspec: {KMS: {KMSAuth: {}}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", None)
    for name in ("deploy", "legacy", "charts"):
        (tmp_path / name).mkdir()
    (tmp_path / "deploy/app.yaml").write_text(HEAD % ("app", "b c"))
    (tmp_path / "legacy/old.yaml").write_text(HEAD % ("old", "b c"))
    (tmp_path / "charts/x.yaml").write_text("{{ if .Values.x }}\n")
    return tmp_path


def configure(folder: Path, text: str) -> None:
    (folder / ".asm.yaml").write_text("apiVersion: kubectl-asm/v1\nkind: Config\nvalidate:\n" + text)


def run(*arguments: str) -> int:
    return main(["kubectl-asm", "validate", *arguments])


def found(folder: Path, *arguments: str) -> list[Any]:
    run(*arguments, "-o", f"json={folder / 'out.json'}")
    return [(one["file"], one["code"], one["severity"]) for one in json.loads((folder / "out.json").read_text())["findings"]]


def test_paths_are_read_when_nothing_is_named(folder: Path) -> None:
    configure(folder, "  paths: [deploy, legacy]\n  suppress: [{paths: [legacy/], rules: [ASM506]}]\n")
    assert found(folder) == [("deploy/app.yaml", "ASM506", "error")]
    assert found(folder, "legacy") == []


def test_paths_are_relative_to_the_file_not_to_where_one_stands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git").mkdir()
    configure(folder, "  paths: [deploy]\n  suppress: [{paths: ['*.yaml'], rules: [ASM506]}]\n")
    monkeypatch.chdir(folder / "legacy")
    assert run() == 0


def test_excluded_files_are_read_only_when_named(folder: Path) -> None:
    configure(folder, "  exclude: [charts/]\n")
    assert {file for file, *_ in found(folder, "-R", ".")} == {"deploy/app.yaml", "legacy/old.yaml"}
    assert found(folder, "charts/x.yaml")


def test_command_line_wins_over_the_file(folder: Path) -> None:
    configure(folder, "  paths: [deploy]\n  severity: {invalid-secret-key: info}\n  ignore: [ASM614]\n  failOn: never\n")
    assert found(folder) == [("deploy/app.yaml", "ASM506", "info")]
    assert found(folder, "--severity", "ASM506=warning") == [("deploy/app.yaml", "ASM506", "warning")]
    assert run() == 0
    assert run("--fail-on", "info") == 1


def test_selected_rule_runs_although_the_file_ignores_it(folder: Path) -> None:
    configure(folder, "  paths: [deploy]\n  ignore: [invalid-secret-key]\n")
    assert not found(folder)
    assert found(folder, "--select", "ASM506")


def test_context_is_known_and_not_judged(folder: Path) -> None:
    (folder / "deploy/app.yaml").write_text(HEAD.replace("key: a", "key: a, secretStoreRef: {name: kms}") % ("app", "a"))
    (folder / "stores.yaml").write_text(STORE + "---\n" + HEAD % ("bad", "b c"))
    configure(folder, "  paths: [deploy]\n  closedWorld: true\n")
    assert [code for _, code, _ in found(folder)] == ["ASM301"]
    configure(folder, "  paths: [deploy]\n  closedWorld: true\n  context: [stores.yaml]\n")
    assert not found(folder)


def test_broken_file_could_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(folder, "  ignore: [ASM999]\n")
    assert run("deploy") == 2
    assert ".asm.yaml:4:12: there is no rule" in capsys.readouterr().err


def test_baseline_that_is_not_there_could_not_run_and_can_be_written(folder: Path) -> None:
    configure(folder, "  paths: [deploy]\n  baseline: base.json\n")
    assert run() == 2
    assert run("--write-baseline", "base.json") == 0
    assert run() == 0
