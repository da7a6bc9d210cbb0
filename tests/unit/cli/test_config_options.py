"""One option per setting, Go's booleans, and where the settings file is found."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from kubectl_asm.cli.setting_options import config_path, controller_options, find_config, setting_flags
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.settings_fields import FIELDS, Kind, all_fields, format_value
from kubectl_asm.manifest.settings_sources import resolve_settings
from kubectl_asm.model.settings import Settings


def flags_of(*args: str) -> dict[str, object]:
    seen: dict[str, Any] = {}

    @click.command()
    @click.argument("names", nargs=-1)
    @controller_options
    def command(**values: Any) -> None:
        seen.update(values)

    result = CliRunner().invoke(command, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return {"names": seen["names"], **setting_flags(seen)}


def test_options_that_are_not_given_stay_absent() -> None:
    assert flags_of() == {"names": ()}


@pytest.mark.parametrize("one", list(all_fields()), ids=lambda one: one.flag)
def test_every_setting_has_an_option_that_takes_its_values(one: Any) -> None:
    text = format_value(getattr(Settings(), one.name, "1s" if one.kind is Kind.DURATION else 3))
    assert flags_of(f"--{one.flag}={text}") == {"names": (), one.name: text}
    resolve_settings(one_shot=True, flags={one.name: text})


@pytest.mark.parametrize("form", ["=true", "=false", "=1", "=0", "=t", "=f"])
def test_switches_take_gos_forms_behind_an_equals_sign(form: str) -> None:
    assert flags_of(f"--disable-polling{form}") == {"names": (), "disable_polling": form[1:]}


def test_a_bare_switch_is_true_and_never_takes_the_next_word() -> None:
    assert flags_of("--disable-polling", "false", "--region", "x", "--enable-worker-role") == {
        "names": ("false",),
        "disable_polling": "true",
        "region": "x",
        "enable_worker_role": "true",
    }


def test_words_behind_a_double_dash_are_no_switches() -> None:
    assert flags_of("--", "--disable-polling") == {"names": ("--disable-polling",)}


def test_the_last_of_repeated_flags_wins() -> None:
    assert flags_of("--disable-polling", "--disable-polling=false")["disable_polling"] == "false"


def test_help_shows_the_common_settings_with_their_defaults_and_hides_the_rest() -> None:
    @click.command()
    @controller_options
    def command(**_values: Any) -> None: ...

    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "--enable-worker-role[=true|false]" in text
    assert "[default: false, in serve true]" in text
    assert "--polling-interval DURATION" in text
    assert "[default: 2m0s]" in text
    assert "--ces-ready" not in text


def test_hidden_settings_are_a_minority_of_upstreams_flags() -> None:
    hidden = {one.flag for one in FIELDS if one.is_upstream and one.hidden}
    assert hidden == {"process-cluster-secret-store", "process-cluster-external-secret"}


def test_importing_the_options_loads_nothing_heavy() -> None:
    code = "import sys, kubectl_asm.cli.setting_options; print(sorted({'yaml', 'kubernetes', 're2'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


# --- the settings file ------------------------------------------------------------------------------------------------


def test_the_file_is_looked_for_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".asm.yaml").touch()
    (tmp_path / "repository" / ".git").mkdir()
    assert find_config(inner) is None
    wanted = tmp_path / "repository" / ".asm.yaml"
    wanted.touch()
    found = find_config(inner)
    assert found is not None
    assert found.samefile(wanted)


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".asm.yaml").touch()
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / ".asm.yaml").touch()
    assert find_config(folder) == folder / ".asm.yaml"


def test_outside_a_repository_only_the_folder_itself_counts(tmp_path: Path) -> None:
    (tmp_path / ".asm.yaml").touch()
    folder = tmp_path / "a"
    folder.mkdir()
    assert find_config(folder) is None
    assert find_config(tmp_path) == tmp_path / ".asm.yaml"


def test_origins_name_the_file_as_seen_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".asm.yaml").touch()
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert str(config_path({})) == "../.asm.yaml"
    monkeypatch.chdir(tmp_path)
    assert str(config_path({})) == ".asm.yaml"


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    named = tmp_path / "settings.yaml"
    with pytest.raises(InputError, match="--config names no file"):
        config_path({"config_file": str(named)})
    named.touch()
    assert config_path({"config_file": str(named)}) == named
