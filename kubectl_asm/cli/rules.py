"""kubectl asm rules: list the rules of validate, or read one."""

from __future__ import annotations

import json
from typing import Any

import click

from kubectl_asm.cli import exits
from kubectl_asm.cli.options import output_option
from kubectl_asm.errors import UsageError
from kubectl_asm.report.documents import envelope
from kubectl_asm.report.sarif import why_of
from kubectl_asm.rules import RULES
from kubectl_asm.rules.base import Rule

EPILOG = """\b
Examples:
  kubectl asm rules
  kubectl asm rules ASM603
  kubectl asm rules -o json | jq -r '.items[] | select(.severity == "error").code'
"""


@click.command("rules", epilog=EPILOG)
@click.argument("code", required=False, metavar="[CODE]")
@output_option("text", "json", default="text")
def command(code: str | None, output: str) -> int:
    """List the rules of validate; with a code or name, read one."""
    chosen = [rule for rule in RULES if code is None or code in (rule.meta.code, rule.meta.name)]
    if not chosen:
        raise UsageError(f'there is no rule "{str(code)[:64]}"', hint="kubectl asm rules lists them")
    if output == "json":
        click.echo(json.dumps(envelope("RuleList", items=[_item(rule) for rule in chosen]), indent=2, ensure_ascii=False))
    elif code is not None:
        click.echo(chosen[0].doc.strip())
    else:
        for rule in chosen:
            title = rule.doc.partition("\n")[0].partition(": ")[2]
            click.echo(f"{rule.meta.code}  {rule.meta.severity:<7}  {rule.meta.name:<25}  {title}")
    return exits.OK


def _item(rule: Rule) -> dict[str, Any]:
    meta = rule.meta
    title = rule.doc.partition("\n")[0].partition(": ")[2]
    return {
        "code": meta.code,
        "name": meta.name,
        "severity": str(meta.severity),
        "topics": list(meta.topics),
        "kinds": list(meta.kinds),
        "title": title,
        "why": why_of(rule),
        "docs": f"docs/rules/{meta.code}.md",
    }
