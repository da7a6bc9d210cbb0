"""The page about the emulator: its files load and its program runs."""

import re
from pathlib import Path

import pytest
import yaml

from kubectl_asm.adapters.cloud.values import FaultKind, decode_fixtures
from kubectl_asm.emulator import kms, oos, sts
from kubectl_asm.emulator.accounts import decode_accounts
from tests.unit.emulator.worlds import running

PAGE = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_file_on_the_page_loads(text):
    document = yaml.safe_load(text)
    if document["kind"] == "Fixtures":
        assert decode_fixtures(document)[1] == []
    else:
        assert decode_accounts(document).roles


def test_the_ready_file_has_the_fields_of_the_page():
    with running() as emulator:
        assert set(yaml.safe_load(blocks("json")[0])) == set(emulator.ready())


def test_the_program_of_the_page_runs(capsys):
    exec(compile(blocks("python")[0], "emulator.md", "exec"), {})
    assert "127.0.0.1:" in capsys.readouterr().out


def test_the_page_names_every_operation_and_fault():
    for name in (*kms.ACTIONS, *oos.ACTIONS, *sts.ACTIONS, *(f"`{kind}`" for kind in FaultKind)):
        assert name in PAGE
