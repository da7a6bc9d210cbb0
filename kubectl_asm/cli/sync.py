"""kubectl asm sync: one reconciliation pass in this process."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.app.passes import ObjectResult
from kubectl_asm.cli import exits
from kubectl_asm.cli.identities import check_identities
from kubectl_asm.cli.options import backend_options, cluster_options, input_options, output_option, selection_options
from kubectl_asm.cli.session import Opened, Options, open_session, options_of, say, tell_problems, warn
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.engine.plan import WRITING, Decision, Plan
from kubectl_asm.errors import UsageError
from kubectl_asm.model.durations import parse_duration
from kubectl_asm.report.denial import failure_hints
from kubectl_asm.report.documents import envelope, write_object, write_stream
from kubectl_asm.report.plans import headline, secret_document, sync_item, sync_row
from kubectl_asm.report.progress import progress
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  # everything in one namespace of the current context
  kubectl asm sync -n shop
  # what would happen, without writing
  kubectl asm sync -n shop --dry-run=client
  # manifests of a folder; what they refer to is looked up in the folder, then live
  kubectl asm sync -f manifests/
  # a folder as the cluster and a file as the cloud
  kubectl asm sync --cluster-dir cluster/ --backend fixtures.yaml -A
"""


@click.command("sync", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@input_options
@selection_options
@cluster_options
@backend_options
@output_option("table", "json", "name", default="table")
@click.option(
    "--dry-run",
    type=click.Choice(["none", "client", "server"]),
    default="none",
    show_default=True,
    help="client: write nothing; server: let the API server check without storing.",
)
@click.option("--show-values", is_flag=True, help="With --dry-run=client: print the Secrets with their values.")
@click.option("--adopt", is_flag=True, help="Take over Secrets that neither the controller nor this program wrote.")
@click.option("--prune", is_flag=True, help="Delete children of ClusterExternalSecrets that no longer match (with -A).")
@click.option("--allow-coexistence", is_flag=True, help="Do not look for a running controller and its settings.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before deletions.")
@click.option("--wait", is_flag=True, help="Repeat objects that failed until they are in sync or the time is over.")
@click.option("--timeout", default="5m", show_default=True, metavar="DURATION", help="Longest time for --wait.")
@click.option("--expect-account", default="", metavar="ID", help="Read nothing unless every store belongs to this account.")
@click.option("-q", "--quiet", is_flag=True, help="No identities, no progress and no summary on stderr.")
@controller_options
def command(**values: Any) -> int:
    """Run one reconciliation pass: read the backend, write what changed, report every object."""
    options = options_of(values)
    if options.show_values and options.dry_run != "client":
        raise UsageError("--show-values needs --dry-run=client")
    with open_session(options, writable=True, adopt=options.adopt, dry_run=options.dry_run) as opened:
        if opened.problems:
            tell_problems(opened.problems)
            say("nothing was written: the input has to parse completely before a sync")
            return exits.CANNOT_RUN
        session = opened.session
        chosen = session.select(
            options.names, namespace=options.namespace, all_namespaces=opened.is_everywhere(options), selector=options.selector
        )
        check_identities(opened, options, chosen)
        _confirm_deletions(options, [one.external for one in wiring.deletions(session, chosen)])
        results, interrupted = _run(opened, options, chosen)
        _report(results, opened, options)
        if interrupted:
            say(f"interrupted: {len(chosen) - len(results)} object(s) were not started; those above are complete")
            return exits.INTERRUPTED
        for text in session.failures:
            say(text)
        is_fine = all(result.is_fully_synced for result in results) and not session.failures
        return exits.OK if is_fine else exits.FOUND


def _confirm_deletions(options: Options, doomed: list[Any]) -> None:
    if not doomed:
        return
    for external in doomed:
        say(f"Secret {external.namespace}/{external.target_name} will be deleted: its ExternalSecret is being deleted")
    if options.yes or options.dry_run != "none":
        return
    if not (sys.stdin.isatty() and options.process.has_terminal):
        raise UsageError("deleting Secrets needs --yes when nobody can be asked")
    click.confirm("Delete these Secrets?", abort=True, err=True)


def _run(opened: Opened, options: Options, chosen: list[Any]) -> tuple[list[ObjectResult], bool]:
    session = opened.session
    with _stop_on_interrupt(session) as is_interrupted:
        shows = options.process.has_terminal and not options.quiet
        with progress(len(chosen), "syncing", enabled=shows) as advance:
            pass_ = wiring.sync_pass(session, options.concurrency)
            results = pass_.run(chosen, lambda _result: advance())
        if options.wait:
            results = wiring.repeat_failed(session, results, _seconds(options.timeout), options.concurrency)
        return results, is_interrupted()


@contextmanager
def _stop_on_interrupt(session: wiring.Session) -> Iterator[Any]:
    """Let Ctrl-C finish the objects under way and start no more; a second one ends at once."""
    seen: list[int] = []

    def stop(_signal: int, _frame: object) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(1)
        session.world.clock.request_shutdown()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _seconds(text: str) -> float:
    return parse_duration(text).total_seconds()


def _report(results: list[ObjectResult], opened: Opened, options: Options) -> None:
    plans = [result.plan for result in results]
    for plan in plans:
        for text in plan.warnings:
            warn(f"{plan.external.ref}: {text}")
    summary = Counter(str(plan.decision) for plan in plans)
    match options.output:
        case "json":
            document = envelope(
                "SyncResult",
                items=[sync_item(result.plan, result.duration_s) for result in results],
                summary=dict(sorted(summary.items())),
                cloudCalls=opened.session.counts.total(),
                kubeCalls=opened.session.kube_requests(),
            )
            write_object(sys.stdout, document, "json")
        case "name":
            for plan in plans:
                if plan.decision in (Decision.CREATE, Decision.UPDATE):
                    click.echo(f"secret/{plan.external.target_name}")
        case _:
            if options.show_values:
                write_stream(sys.stdout, (secret_document(plan, reveal=True) or headline(plan) for plan in plans))
            else:
                write_table(
                    sys.stdout, ("NAMESPACE", "NAME", "SECRET", "DECISION", "KEYS", "REASON"), [sync_row(p) for p in plans]
                )
                for line in failure_hints(plans):
                    say(line)
    if not options.quiet:
        say(_summary(plans, summary, opened, options))


def _summary(plans: list[Plan], summary: Counter[str], opened: Opened, options: Options) -> str:
    counts = ", ".join(f"{count} {decision}" for decision, count in sorted(summary.items())) or "nothing to do"
    partial = sum(plan.is_partial and plan.decision in WRITING for plan in plans)
    parts = [counts]
    if partial:
        parts.append(f"{partial} partial")
    parts.append(f"{opened.session.counts.total()} cloud calls, {opened.session.kube_requests()} API requests")
    mode = "" if options.dry_run == "none" else f" (dry run: {options.dry_run})"
    return "; ".join(parts) + mode
