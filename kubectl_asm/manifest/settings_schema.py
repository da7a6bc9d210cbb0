"""The JSON schema of `.asm.yaml`, made from the table of settings; docs/generate_settings.py writes it to schemas/.

Editors use the file; the reader checks by itself, with better places. A test keeps both of one mind.
Source: spec/operation.md 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_asm.manifest.lint_config import FAIL_ON, LEVELS, SUPPRESSION_FIELDS, Form, LintField
from kubectl_asm.manifest.lint_config import FIELDS as LINT_FIELDS
from kubectl_asm.manifest.settings_fields import MAX_COUNT, Kind, SettingField, all_fields
from kubectl_asm.manifest.settings_files import API_VERSION, KIND

_RULE = r"^(ASM\d{3}|[a-z][a-z-]*)$"
_DURATION = r"^\+?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$"


def config_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12)."""
    settings = {one.key: _schema(one) for one in all_fields() if not one.flag_only}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kubectl-asm settings of a repository (.asm.yaml)",
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": KIND},
            "settings": {"type": ["object", "null"], "additionalProperties": False, "properties": settings},
            "validate": _section({one.key: one for one in LINT_FIELDS}, "What `kubectl asm validate` does in this repository."),
        },
    }


def _section(fields: Mapping[str, LintField], description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {key: {"description": one.help, **_lint_values(one)} for key, one in fields.items()},
    }


def _lint_values(one: LintField) -> dict[str, Any]:
    match one.form:
        case Form.SWITCH:
            return {"type": ["boolean", "null"]}
        case Form.LEVEL:
            return {"enum": [*FAIL_ON, None]}
        case Form.TEXTS:
            return {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}}
        case Form.RULES:
            return {"type": ["array", "null"], "items": {"type": "string", "pattern": _RULE}}
        case Form.SEVERITIES:
            levels = {"enum": [*LEVELS, False]}
            return {"type": ["object", "null"], "patternProperties": {_RULE: levels}, "additionalProperties": False}
        case Form.SUPPRESSIONS:
            item = _section(SUPPRESSION_FIELDS, "One suppression.") | {"type": "object", "required": ["paths"]}
            return {"type": ["array", "null"], "items": item}
        case _:
            return {"type": ["string", "null"]}


def _schema(one: SettingField) -> dict[str, Any]:
    return {"description": one.help, **_values(one)}


def _values(one: SettingField) -> dict[str, Any]:
    match one.kind:
        case Kind.BOOL:
            return {"type": "boolean"}
        case Kind.COUNT:
            return {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
        case Kind.DURATION:
            return {"type": "string", "pattern": _DURATION}
        case Kind.CHOICE:
            return {"enum": [str(choice) for choice in one.choices]}
        case Kind.NAMESPACES:
            return {"type": ["string", "array"], "items": {"type": "string"}}
        case Kind.IDENTIFIER:
            return {"type": ["string", "integer"]}
        case _:
            return {"type": "string"}
