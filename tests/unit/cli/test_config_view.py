"""kubectl asm config view: every setting, its value, its origin."""

import json
from pathlib import Path

import pytest
import yaml

from kubectl_asm.cli.main import main
from kubectl_asm.manifest.settings_fields import FIELDS

CONFIG = "apiVersion: kubectl-asm/v1\nkind: Config\nsettings:\n  region: cn-hangzhou\n  watchNamespaces: [a, b]\n"


@pytest.fixture(autouse=True)
def _in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".asm.yaml").write_text(CONFIG)


def view(*args: str) -> int:
    return main(["kubectl-asm", "config", "view", *args])


def test_json_holds_every_setting_with_value_and_origin_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert view("-o", "json", "--polling-interval=5m") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["apiVersion"], document["kind"]) == ("kubectl-asm/v1", "Config")
    assert [item["name"] for item in document["settings"]] == sorted(one.name for one in FIELDS)
    found = {item["name"]: (item["value"], item["origin"]) for item in document["settings"]}
    assert found["region"] == ("cn-hangzhou", ".asm.yaml:4:3")
    assert found["watch_namespaces"] == (["a", "b"], ".asm.yaml:5:3")
    assert found["polling_interval"][1] == "--polling-interval"
    assert found["enable_worker_role"] == (False, "default (one-shot)")


def test_yaml_holds_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    view("-o", "json")
    as_json = json.loads(capsys.readouterr().out)
    view("-o", "yaml")
    assert yaml.safe_load(capsys.readouterr().out) == as_json


def test_the_table_shows_flag_names_and_quotes_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert view() == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["SETTING", "VALUE", "ORIGIN"]
    assert ["region", "cn-hangzhou", ".asm.yaml:4:3"] in lines
    assert ["kms-endpoint", '""', "default"] in lines


def test_serve_has_defaults_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    view("--serve", "-o", "json")
    found = {item["name"]: item["value"] for item in json.loads(capsys.readouterr().out)["settings"]}
    assert found["enable_worker_role"] is True


def test_helm_values_and_warnings_reach_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "values.yaml").write_text("command:\n    region: cn-beijing\n    tokenRotationPeriod: 60s\n")
    assert view("--helm-values", "values.yaml") == 0
    out, err = capsys.readouterr()
    assert "--helm-values values.yaml:2:5 (command.region)" in out
    assert "token-rotation-period has no effect" in err


def test_a_mistake_in_the_file_has_its_place_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".asm.yaml").write_text(CONFIG.replace("region", "regoin"))
    assert view() == 2
    assert capsys.readouterr().err.splitlines() == [
        'error: .asm.yaml:4:3: unknown setting "regoin"',
        'hint: did you mean "region"?',
    ]


def test_a_deployment_of_a_folder_cannot_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert view("--from-deployment", "kube-system/ack-secret-manager", "--cluster-dir", str(tmp_path)) == 2
    assert "--helm-values" in capsys.readouterr().err
