"""The validate section of .asm.yaml: what it gives, and where it says no; the schema says the same."""

from __future__ import annotations

import jsonschema_rs
import pytest
import yaml

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.lint_config import LintConfig, Suppression, read_lint_config
from kubectl_asm.manifest.settings_schema import config_schema

HEAD = "apiVersion: kubectl-asm/v1\nkind: Config\n"
RULES = ("ASM506", "invalid-secret-key", "ASM614", "extract-quoting")


def read(text: str) -> LintConfig:
    return read_lint_config(SourceText(".asm.yaml", text.encode()), RULES)


def test_every_field_is_read() -> None:
    text = HEAD + (
        "validate:\n  paths: [a]\n  exclude: [b/]\n  context: [c]\n  ignore: [ASM614]\n"
        "  severity: {invalid-secret-key: warning, extract-quoting: off}\n"
        "  suppress: [{paths: [old/], rules: [ASM506], reason: old}, {paths: [gen/]}]\n"
        "  failOn: info\n  baseline: base.json\n  target: 0.6.2\n  closedWorld: true\n"
    )
    assert read(text) == LintConfig(
        ("a",),
        ("b/",),
        ("c",),
        frozenset({"ASM614", "extract-quoting"}),
        {"invalid-secret-key": "warning"},
        (Suppression(("old/",), frozenset({"ASM506"})), Suppression(("gen/",))),
        "info",
        "base.json",
        "0.6.2",
        True,
    )
    assert jsonschema_rs.is_valid(config_schema(), yaml.safe_load(text))


@pytest.mark.parametrize("text", ["", HEAD, HEAD + "validate:\n", HEAD + "validate: {ignore: }\n"])
def test_a_silent_file_gives_nothing(text: str) -> None:
    assert read(text) == LintConfig()


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("validate: []\n", (3, 11), "validate must be a mapping", None),
        ("validate:\n  ignored: [ASM506]\n", (4, 3), 'unknown key "ignored"', 'did you mean "ignore"?'),
        ("validate:\n  ignore: [ASM506, ASM560]\n", (4, 20), 'there is no rule "ASM560"', 'did you mean "ASM506"?'),
        ("validate:\n  severity: {xx: error}\n", (4, 14), 'there is no rule "xx"', "kubectl asm rules lists them"),
        ("validate:\n  severity: {ASM506: fatal}\n", (4, 22), "a severity is one of error, warning, info, off", None),
        ("validate:\n  failOn: always\n", (4, 11), "failOn must be error, warning, info or never", None),
        ("validate:\n  closedWorld: 1\n", (4, 16), "closedWorld must be true or false", None),
        ("validate:\n  paths: a\n", (4, 10), "paths must be a list of texts", None),
        ("validate:\n  suppress: [{rules: [ASM506]}]\n", (4, 14), "paths is missing: say which files", None),
        ("validate:\n  suppress: [{path: [a]}]\n", (4, 15), 'unknown key "path"', 'did you mean "paths"?'),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, place: tuple[int, int], message: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        read(HEAD + text)
    error = caught.value
    assert ((error.line, error.column), error.message, error.hint) == (place, message, hint)
    is_about_a_rule = "no rule" in message  # the schema cannot know all of them
    assert jsonschema_rs.is_valid(config_schema(), yaml.safe_load(HEAD + text)) is is_about_a_rule
