"""kubectl asm diff: desired against live, or two folders, without a value, a length or a digest."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import backend_options, cluster_options, input_options, output_option, selection_options
from kubectl_asm.cli.session import Options, open_session, options_of, say, tell_problems, warn
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import choose_settings
from kubectl_asm.engine.drift import Change, Drift, compare, drift_of
from kubectl_asm.engine.plan import Plan, Retry
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.markdown import write_diff
from kubectl_asm.report.plans import diff_item, diff_lines, failure_lines

EPILOG = """\b
Examples:
  # what would a sync of this namespace change?
  kubectl asm diff -n shop
  # manifests of a branch against the live cluster
  kubectl asm diff -f manifests/
  # two revisions of a repository, no cluster
  kubectl asm diff --from-dir main/ --to-dir branch/ --backend fixtures.yaml
"""


@click.command("diff", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@input_options
@selection_options
@cluster_options
@backend_options
@output_option("text", "json", "markdown", default="text")
@click.option("--from-dir", default="", metavar="DIR", help="First of two folders to compare, without a cluster.")
@click.option("--to-dir", default="", metavar="DIR", help="Second of two folders to compare.")
@controller_options
def command(**values: Any) -> int:
    """Show what a sync would change: objects, keys and metadata, never values."""
    options = options_of(values)
    if options.from_dir or options.to_dir:
        return _two_folders(options)
    with open_session(options, writable=False) as opened:
        session = opened.session
        chosen = session.select(
            options.names, namespace=options.namespace, all_namespaces=opened.is_everywhere(options), selector=options.selector
        )
        results = wiring.plan_pass(session, options.concurrency).run(chosen, lambda _result: None)
        plans = [result.plan for result in results]
        for plan in plans:
            for text in plan.warnings:
                warn(f"{plan.external.ref}: {text}")
        code = _report([(plan, drift_of(plan)) for plan in plans], options)
        tell_problems(opened.problems)
        return exits.CANNOT_RUN if opened.problems else code


def _report(pairs: list[tuple[Plan, Drift]], options: Options) -> int:
    items = [diff_item(plan, drift) for plan, drift in pairs]
    match options.output:
        case "json":
            write_object(sys.stdout, envelope("Diff", items=items), "json")
        case "markdown":
            write_diff(sys.stdout, items)
        case _:
            for line in _text(pairs):
                click.echo(line)
    failed = [plan for plan, _ in pairs if plan.is_partial or isinstance(plan.outcome, Retry)]
    for plan in failed:
        for text in failure_lines(plan):
            say(text)
    is_different = any(drift.change is not Change.NONE for _, drift in pairs)
    return exits.FOUND if is_different or failed else exits.OK


def _text(pairs: list[tuple[Plan, Drift]]) -> Iterable[str]:
    for plan, drift in pairs:
        if drift.change is Change.NONE and not plan.reason:
            continue
        title = f"Secret {plan.external.namespace}/{plan.external.target_name}"
        yield from diff_lines(title, drift, plan.reason or ("" if drift.change is not Change.NONE else str(plan.decision)))


def _two_folders(options: Options) -> int:
    """Compare what two folders render to under the same settings and fixtures."""
    if not (options.from_dir and options.to_dir and options.backend):
        raise UsageError("comparing folders needs --from-dir, --to-dir and --backend")
    chosen = choose_settings(options.values, options.process, one_shot=True)
    sides = []
    problems: list[InputError] = []
    for folder in (options.from_dir, options.to_dir):
        manifests = wiring.read_manifests((folder,), recursive=True, stdin=None, namespace=options.namespace or "default")
        problems += manifests.problems
        session = wiring.offline_session(
            manifests, wiring.read_fixtures(options.backend), chosen.settings, namespace="default", environment={}
        )
        plans = [session.rounds.plan(external) for external in wiring.sorted_objects(session.externals)]
        sides.append({(plan.external.namespace, plan.external.target_name): plan for plan in plans})
    old, new = sides
    pairs = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        drift = compare(before.secret if before else None, after.secret if after else None)
        plan = after or before
        assert plan is not None
        pairs.append((plan, drift))
    code = _report(pairs, options)
    tell_problems(problems)
    return exits.CANNOT_RUN if problems else code
