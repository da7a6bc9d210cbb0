"""kubectl asm template: one Go template alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.adapters.files import read_file
from kubectl_asm.cli import exits
from kubectl_asm.cli.session import options_of
from kubectl_asm.errors import UsageError
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  kubectl asm template -t application.yml.tmpl --data values.yaml
  echo '{{ .user | upper }}' | kubectl asm template -t - --data values.yaml
  kubectl asm template --functions | grep regex
"""


@click.command("template", epilog=EPILOG)
@click.option("-t", "--template", "template", default="", metavar="FILE", help="Template file, or - for stdin.")
@click.option("--data", default="", metavar="FILE", help="YAML or JSON mapping that becomes the data of the template.")
@click.option("--functions", is_flag=True, help="List every template function.")
@click.option("--profile", type=click.Choice(["seed", "v0.6.7"]), default="seed", show_default=True, help="Function set.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of --functions."
)
def command(**values: Any) -> int:
    """Render one template the way the controller would, or list the functions it may call."""
    options = options_of(values)
    if options.functions:
        return _functions(options.profile, options.output)
    if not options.template:
        raise UsageError("name a template", hint="-t FILE, or -t - for stdin; --functions lists what it may call")
    from kubectl_asm.gotemplate import TemplateError, parse

    text = (
        sys.stdin.read() if options.template == "-" else read_file(Path(options.template)).data.decode("utf-8", "surrogateescape")
    )
    data = wiring.load_plain(Path(options.data)) if options.data else {}
    if not isinstance(data, dict):
        raise UsageError(f"{options.data}: the data of a template is a mapping")
    try:
        output = parse(text, profile=options.profile).execute(data, wiring.template_environment(wiring.World()))
    except TemplateError as error:
        click.echo(f"error: {error.render()}", err=True)
        return exits.FOUND
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    return exits.OK


def _functions(profile: str, form: str) -> int:
    from kubectl_asm.gotemplate.funcs import function_table

    table = sorted(function_table(profile).values(), key=lambda function: (function.group, function.name))
    if form == "json":
        items = [
            {
                "name": one.name,
                "group": one.group,
                "usage": one.usage,
                "purity": str(one.purity),
                "status": one.status,
                "summary": one.summary,
            }
            for one in table
        ]
        write_object(sys.stdout, envelope("TemplateFunctions", items=items), "json")
    else:
        rows = [(one.name, one.group, str(one.purity), one.usage, one.summary) for one in table]
        write_table(sys.stdout, ("NAME", "GROUP", "PURITY", "USAGE", "SUMMARY"), rows)
    return exits.OK
