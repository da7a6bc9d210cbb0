"""Commands in the pages about the controller: every one of ours is understood by the program as it is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from kubectl_asm.cli.main import group

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs" / "serve").glob("*.md")), ROOT / "deploy" / "README.md"]
COMMAND = re.compile(r"kubectl asm (?P<words>[a-z][^`\n|>]*)")


def commands() -> list[tuple[str, str]]:
    """Return (page, words) of every command in a block or in the text."""
    found = []
    for page in PAGES:
        text = page.read_text()
        spans = [*re.findall(r"^kubectl asm [^\n]*$", text, re.M), *re.findall(r"`(kubectl asm [^`\n]*)`", text)]
        found += [(page.name, match["words"].strip()) for span in spans if (match := COMMAND.match(span))]
    return found


@pytest.mark.parametrize(("page", "words"), commands())
def test_a_command_in_a_page_is_understood(page: str, words: str) -> None:
    name, *arguments = shlex.split(words)
    command = group.get_command(click.Context(group), name)
    assert command is not None, f"{page}: {name}"
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(click.Context(command), name)
        assert command is not None, f"{page}: {words}"
    command.make_context(name, arguments)


def test_the_pages_have_commands() -> None:
    assert {page for page, _ in commands()} >= {"migration.md"}
