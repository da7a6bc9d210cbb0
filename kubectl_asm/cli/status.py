"""kubectl asm status: what is synced, stale or failing, and why."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import cluster_options, output_option, selection_options
from kubectl_asm.cli.session import connection_options, options_of, say, tell_problems
from kubectl_asm.engine.health import Health, State, health_of
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.plans import ref_item
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  kubectl asm status -n shop
  kubectl asm status -A -o wide
  kubectl asm status -o json | jq '.items[] | select(.state != "Synced")'
"""

Row = tuple[ExternalSecret, Health]


@click.command("status", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@selection_options
@cluster_options
@output_option("table", "wide", "json", "name", default="table")
@click.option("--no-headers", is_flag=True, help="Leave the header line out.")
def command(**values: Any) -> int:
    """Show the state of every ExternalSecret. Reads statuses and names of Secrets, no value and no cloud."""
    options = options_of(values)
    world = wiring.World()
    choice = wiring.ClusterChoice(
        None if options.cluster_dir else connection_options(options),
        folder=options.cluster_dir,
        namespace=options.namespace,
        chunk_size=options.chunk_size,
        writable=False,
    )
    with wiring.open_cluster(choice, world) as cluster:
        where = "" if options.all_namespaces else options.namespace or cluster.namespace
        chosen = wiring.select_live(cluster.reader, options.names, where, options.selector)
        exists = wiring.existing_targets(cluster.reader, chosen)
        rows = [(external, health_of(external, exists.get((external.namespace, external.target_name)))) for external in chosen]
        _write(rows, options.output, has_header=not options.no_headers)
        tell_problems(cluster.problems)
    if not rows and options.output in ("table", "wide"):
        say(f"No ExternalSecrets found{' in ' + where + ' namespace' if where else ''}.")
    return exits.OK if all(health.state in (State.SYNCED, State.PENDING) for _, health in rows) else exits.FOUND


def _write(rows: Sequence[Row], form: str, *, has_header: bool) -> None:
    if form == "json":
        write_object(sys.stdout, envelope("StatusList", items=[_item(*row) for row in rows]), "json")
    elif form == "name":
        for external, _ in rows:
            click.echo(f"externalsecret.alibabacloud.com/{external.name}")
    elif rows:
        header = (
            ["NAMESPACE", "NAME", "SECRET", "STATE", "RECORDED"]
            + (["ENTRIES", "INTERVAL"] if form == "wide" else [])
            + ["REASON"]
        )
        write_table(sys.stdout, header, [_row(external, health, form) for external, health in rows], has_header=has_header)


def _row(external: ExternalSecret, health: Health, form: str) -> list[str]:
    cells = [external.namespace, external.name, external.target_name, str(health.state), health.recorded or "-"]
    if form == "wide":
        entries = len(external.spec.data) + len(external.spec.data_process)
        cells += [str(entries), external.spec.rotation_interval or "default"]
    reason = health.reason if form == "wide" or len(health.reason) <= 100 else health.reason[:97] + "..."
    return [*cells, reason]


def _item(external: ExternalSecret, health: Health) -> dict[str, Any]:
    results = external.status.data_sync_results
    return {
        "object": ref_item(external.ref),
        "target": external.target_name,
        "state": str(health.state),
        "reason": health.reason,
        "recorded": health.recorded,
        "results": [{"key": one.key, "status": one.status, "reason": one.reason, "time": one.time} for one in results],
    }
