"""kubectl asm render: the Secrets, offline, from manifests and fixtures."""

from __future__ import annotations

import sys
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import input_options, output_option
from kubectl_asm.cli.session import Options, options_of, read_inputs, say, tell_problems, warn
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import choose_settings
from kubectl_asm.engine.plan import WRITING, Plan
from kubectl_asm.engine.template_scan import scan_templates
from kubectl_asm.errors import UsageError
from kubectl_asm.model.settings import Settings
from kubectl_asm.report.documents import envelope, write_object, write_stream
from kubectl_asm.report.plans import (
    failure_lines,
    headline,
    ref_item,
    secret_document,
    status_items,
    trace_items,
    trace_text,
)
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  # Secrets of a folder, values masked
  kubectl asm render -f manifests/ --backend fixtures.yaml
  # the same with values, ready for kubectl apply in a test cluster
  kubectl asm render -f manifests/ --backend fixtures.yaml --show-values
  # why does this key exist (or not)?
  kubectl asm render -f manifests/ --backend fixtures.yaml --trace
  # what happens when one source is forbidden?
  kubectl asm render -f manifests/ --backend fixtures.yaml --fail db=Forbidden.NoPermission
"""


@click.command("render", epilog=EPILOG)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@input_options
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of objects that name none.")
@click.option("--backend", default="", metavar="FILE", help="Fixtures file with the values of KMS and OOS.")
@output_option("yaml", "json", "name", "table", default="yaml")
@click.option("--show-values", is_flag=True, help="Write values instead of ***; on the command line only.")
@click.option("--trace", is_flag=True, help="Tell on stderr which input made which key, stage by stage.")
@click.option(
    "--fail",
    "failures",
    multiple=True,
    metavar="KEY=CODE",
    help="Let a backend key fail, e.g. db=Forbidden.NoPermission, db=503, db=timeout.",
)
@click.option("--fail-on-missing-key", is_flag=True, help="Exit 1 when a query finds nothing or a template names an unknown key.")
@controller_options
def command(**values: Any) -> int:
    """Produce the Secrets that a sync would write, from manifests and fixture values, without cluster or cloud."""
    options = options_of(values)
    if not options.backend:
        raise UsageError("render needs values", hint="give a fixtures file: --backend fixtures.yaml (kms: {NAME: VALUE, ...})")
    manifests = read_inputs(options, arguments=options.paths, namespace=options.namespace)
    chosen = choose_settings(options.values, options.process, one_shot=True)
    for text in chosen.warnings:
        warn(text)
    fixtures = wiring.with_failures(wiring.read_fixtures(options.backend), options.failures)
    session = wiring.offline_session(manifests, fixtures, chosen.settings, namespace=options.namespace, environment={})
    plans = [session.rounds.plan(external) for external in wiring.sorted_objects(session.externals)]
    _write(plans, options, chosen.settings)
    tell_problems(manifests.problems)
    if manifests.problems:
        return exits.CANNOT_RUN
    if not plans:
        say("no ExternalSecret in the input")
    for text in session.failures:
        say(text)
    failed = [plan for plan in plans if _is_failure(plan, options, chosen.settings)]
    return exits.FOUND if failed or session.failures else exits.OK


def _write(plans: list[Plan], options: Options, settings: Settings) -> None:
    if options.trace:
        for plan in plans:
            say(trace_text(plan))
            for note in scan_templates(plan.external, settings):
                say(f"  scan      {note}")
    for plan in plans:
        for text in plan.warnings:
            warn(f"{plan.external.ref}: {text}")
        for text in failure_lines(plan):
            say(text)
    reveal: bool = options.show_values
    match options.output:
        case "json":
            items = [_item(plan, reveal=reveal) for plan in plans]
            write_object(sys.stdout, envelope("Render", items=items), "json")
        case "name":
            for plan in plans:
                if plan.decision in WRITING:
                    click.echo(f"secret/{plan.external.target_name}")
        case "table":
            rows = [(p.external.namespace, p.external.name, p.external.target_name, str(p.decision), p.reason) for p in plans]
            write_table(sys.stdout, ("NAMESPACE", "NAME", "SECRET", "DECISION", "REASON"), rows)
        case _:
            write_stream(sys.stdout, (secret_document(plan, reveal=reveal) or headline(plan) for plan in plans))


def _item(plan: Plan, *, reveal: bool) -> dict[str, Any]:
    return {
        "object": ref_item(plan.external.ref),
        "parent": wiring.parent_of(plan.external),
        "decision": str(plan.decision),
        "secret": secret_document(plan, reveal=reveal),
        "status": status_items(plan),
        "trace": trace_items(plan),
    }


def _is_failure(plan: Plan, options: Options, settings: Settings) -> bool:
    if plan.decision not in WRITING or plan.is_partial:
        return True
    if not options.fail_on_missing_key:
        return False
    missing = wiring.missing_keys(plan, settings)
    for text in missing:
        say(f"{plan.external.ref}: {text}")
    return bool(missing)
