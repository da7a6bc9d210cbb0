"""kubectl's completion protocol: candidates one a line, a directive last, never a failure."""

import pytest

from kubectl_asm.cli.complete import main


def completed(capsys, *words):
    assert main(words) == 0
    *candidates, directive = capsys.readouterr().out.splitlines()
    return [candidate.partition("\t")[0] for candidate in candidates], directive


def test_commands_are_completed_with_their_description(capsys):
    assert main(["sy"]) == 0
    first, directive = capsys.readouterr().out.splitlines()
    assert first.startswith("sync\tRun one reconciliation pass")
    assert directive == ":4"


def test_choices_of_an_option_are_completed(capsys):
    assert completed(capsys, "sync", "--dry-run", "") == (["none", "client", "server"], ":4")


def test_options_of_a_command_are_completed(capsys):
    assert "--backend" in completed(capsys, "render", "--back")[0]


@pytest.mark.parametrize("words", [("no-such-command", ""), ("sync", "--no-such-option", ""), ()])
def test_words_that_make_no_sense_complete_to_nothing_and_do_not_fail(capsys, words):
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(":")
