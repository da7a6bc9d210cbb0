"""The `validate:` section of `.asm.yaml`: what a repository decided about linting, once for everybody.

The table is the reader, the JSON schema and the reference page. Rules are named by code or name; who reads passes the words
that exist. Paths are relative to the folder of the file and have the form of .gitignore lines.
Source: spec/cli.md 3 (validate), spec/operation.md 1.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import Document, Path, SourceText
from kubectl_asm.manifest.settings_files import config_document
from kubectl_asm.manifest.settings_given import nearest

SECTION: Final = "validate"
LEVELS: Final = ("error", "warning", "info", "off")
FAIL_ON: Final = ("error", "warning", "info", "never")


class Form(enum.Enum):
    """What may stand in a field."""

    TEXT = "a text"
    SWITCH = "true or false"
    LEVEL = "error, warning, info or never"
    TEXTS = "a list of texts"
    RULES = "a list of rules"
    SEVERITIES = "a mapping of rules to error, warning, info or off"
    SUPPRESSIONS = "a list of mappings"


class LintField(msgspec.Struct, frozen=True):
    """One field of the section. flag: the option that overrides it, empty for none."""

    key: str
    form: Form
    help: str
    flag: str = ""


FIELDS: Final = (
    LintField("paths", Form.TEXTS, "What is read when the command line names nothing and nothing is piped in."),
    LintField("exclude", Form.TEXTS, "Files that a folder or pattern does not give; a file that is named itself is read."),
    LintField("context", Form.TEXTS, "Manifests that others refer to: they are known, and not judged."),
    LintField("ignore", Form.RULES, "Rules that do not run.", "--ignore"),
    LintField("severity", Form.SEVERITIES, "How serious findings of a rule are; off is the same as ignore.", "--severity"),
    LintField("suppress", Form.SUPPRESSIONS, "Rules that are silent about some files."),
    LintField("failOn", Form.LEVEL, "Exit 1 from this severity on.", "--fail-on"),
    LintField("baseline", Form.TEXT, "File with findings that are not told again.", "--baseline"),
    LintField("target", Form.TEXT, "Release that runs, such as 0.6.2.", "--target"),
    LintField("closedWorld", Form.SWITCH, "What is not in the input does not exist.", "--closed-world"),
)
SUPPRESSION_FIELDS: Final = {
    "paths": LintField("paths", Form.TEXTS, "Which files."),
    "rules": LintField("rules", Form.RULES, "Which rules; all of them when absent."),
    "reason": LintField("reason", Form.TEXT, "Why, for the next reader."),
}


class Suppression(msgspec.Struct, frozen=True):
    """Rules that are silent about files. An empty rules means all."""

    paths: tuple[str, ...]
    rules: frozenset[str] = frozenset()


class LintConfig(msgspec.Struct, frozen=True):
    """What the section says; empty or None where it is silent. Paths as written."""

    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    ignore: frozenset[str] = frozenset()
    severity: Mapping[str, str] = msgspec.field(default_factory=dict)
    suppress: tuple[Suppression, ...] = ()
    fail_on: str = ""
    baseline: str = ""
    target: str = ""
    closed_world: bool = False


def read_lint_config(source: SourceText, rules: Iterable[str]) -> LintConfig:
    """Return the section of a file. rules: the codes and names that exist. Raises InputError with the place of a problem."""
    document = config_document(source)
    section = document.value.get(SECTION) if document is not None else None
    if document is None or section is None:
        return LintConfig()
    reader = _Reader(document, frozenset(rules))
    values = reader.fields(section, (SECTION,), {one.key: one for one in FIELDS})
    levels: Mapping[str, str] = values.get("severity", {})
    return LintConfig(
        values.get("paths", ()),
        values.get("exclude", ()),
        values.get("context", ()),
        frozenset((*values.get("ignore", ()), *(rule for rule, level in levels.items() if level == "off"))),
        {rule: level for rule, level in levels.items() if level != "off"},
        values.get("suppress", ()),
        values.get("failOn", ""),
        values.get("baseline", ""),
        values.get("target", ""),
        values.get("closedWorld", False),
    )


class _Reader(msgspec.Struct, frozen=True):
    document: Document
    rules: frozenset[str]

    def fields(self, section: Any, path: Path, known: Mapping[str, LintField]) -> dict[str, Any]:
        """Return the checked values of a mapping; null counts as absent."""
        if not isinstance(section, dict):
            raise self._problem(path, f"{path[-1]} must be a mapping")
        values = {}
        for key, value in section.items():
            if key not in known:
                raise self._problem((*path, key), f'unknown key "{str(key)[:64]}"', _meant(str(key), known), is_key=True)
            if value is not None:
                values[key] = self._value(known[key], value, (*path, key))
        return values

    def _value(self, one: LintField, value: Any, path: Path) -> Any:
        match one.form:
            case Form.SWITCH if isinstance(value, bool):
                return value
            case Form.LEVEL if value in FAIL_ON:
                return value
            case Form.TEXT if isinstance(value, str):
                return value
            case Form.TEXTS if isinstance(value, list):
                return tuple(self._text(item, (*path, at)) for at, item in enumerate(value))
            case Form.RULES if isinstance(value, list):
                return frozenset(self._rule(item, (*path, at)) for at, item in enumerate(value))
            case Form.SEVERITIES if isinstance(value, dict):
                return {self._rule(rule, (*path, rule)): self._level(level, (*path, rule)) for rule, level in value.items()}
            case Form.SUPPRESSIONS if isinstance(value, list):
                return tuple(self._suppression(item, (*path, at)) for at, item in enumerate(value))
        raise self._problem(path, f"{one.key} must be {one.form.value}")

    def _text(self, value: Any, path: Path) -> str:
        if isinstance(value, str) and value:
            return value
        raise self._problem(path, "a text is needed here")

    def _rule(self, word: Any, path: Path) -> str:
        if word in self.rules:
            return str(word)
        hint = _meant(str(word), self.rules, "kubectl asm rules lists them")
        raise self._problem(path, f'there is no rule "{str(word)[:64]}"', hint, is_key=not isinstance(path[-1], int))

    def _level(self, level: Any, path: Path) -> str:
        shown = level
        if level is False:  # a plain off is a boolean to YAML 1.1
            shown = "off"
        if shown in LEVELS:
            return str(shown)
        raise self._problem(path, f"a severity is one of {', '.join(LEVELS)}")

    def _suppression(self, value: Any, path: Path) -> Suppression:
        given = self.fields(value, path, SUPPRESSION_FIELDS)
        if not given.get("paths"):
            raise self._problem(path, "paths is missing: say which files")
        return Suppression(given["paths"], given.get("rules", frozenset()))

    def _problem(self, path: Path, message: str, hint: str | None = None, *, is_key: bool = False) -> InputError:
        span = self.document.span(path, key=is_key)
        return InputError(message, file=span.file, line=span.line, column=span.column, hint=hint)


def _meant(word: str, known: Iterable[str], otherwise: str | None = None) -> str | None:
    words = tuple(known)
    near = nearest(word, words)
    return f'did you mean "{near}"?' if near else otherwise or "known: " + ", ".join(words)
