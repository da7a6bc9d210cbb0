"""kubectl asm release: let objects go and keep their Secrets."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.app.release import Released
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import cluster_options, output_option, selection_options
from kubectl_asm.cli.session import Options, connection_options, options_of, say, tell_problems, warn
from kubectl_asm.engine.release import Release
from kubectl_asm.errors import UsageError
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.plans import ref_item
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  # before the controller and the definitions are uninstalled
  kubectl asm release -A
  # what would happen, without writing
  kubectl asm release -A --dry-run=client
  # one object that hangs in deletion, without its Secret going with it
  kubectl asm release database -n shop --yes
"""


@click.command("release", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@selection_options
@cluster_options
@output_option("table", "json", "name", default="table")
@click.option(
    "--dry-run",
    type=click.Choice(["none", "client", "server"]),
    default="none",
    show_default=True,
    help="client: write nothing; server: let the API server check without storing.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--allow-coexistence", is_flag=True, help="Go on although a controller is at work and may undo it.")
@click.option("--concurrency", default=16, show_default=True, type=click.IntRange(1, 256), help="Objects at the same time.")
def command(**values: Any) -> int:
    """Take the finalizer off, so that deleting objects no longer deletes Secrets: the way to uninstall.

    Names are ExternalSecrets. Without names: the ExternalSecrets and SecretStores of the namespace; with -A the objects of all
    four kinds. Nothing but the finalizer changes, and every Secret stays.
    """
    options = options_of(values)
    if options.names and options.all_namespaces:
        raise UsageError("names are of one namespace", hint="leave -A out, or the names")
    with wiring.open_cluster(_choice(options), wiring.World()) as cluster:
        tell_problems(cluster.problems)
        if cluster.problems:
            return exits.CANNOT_RUN
        if not options.allow_coexistence:
            for text in wiring.refuse_controllers(cluster):
                warn(text)
        where = "" if options.all_namespaces else options.namespace or cluster.namespace
        found = wiring.held_objects(cluster, options.names, where, options.selector)
        _confirm(found, options)
        if options.dry_run == "client":
            cluster.writer = wiring.ClientDryRun()
        done = wiring.release_objects(cluster, found, concurrency=options.concurrency)
        _report(done, options)
    return exits.FOUND if any(one.error for one in done) else exits.OK


def _choice(options: Options) -> wiring.ClusterChoice:
    return wiring.ClusterChoice(
        None if options.cluster_dir else connection_options(options),
        folder=options.cluster_dir,
        namespace=options.namespace,
        chunk_size=options.chunk_size,
        concurrency=options.concurrency,
        server_dry_run=options.dry_run == "server",
        writable=options.dry_run == "none",
    )


def _confirm(found: Sequence[Release], options: Options) -> None:
    if not found or options.dry_run != "none":
        return
    for one in found:
        say(f"{one.obj.ref}: {_consequence(one)}")
    if options.yes:
        return
    if not (sys.stdin.isatty() and options.process.has_terminal):
        raise UsageError("releasing objects needs --yes when nobody can be asked", hint="--dry-run=client only lists them")
    click.confirm(f"Take the finalizer off {len(found)} object(s)?", abort=True, err=True)


def _consequence(one: Release) -> str:
    fate = "vanishes now, its deletion waits for nothing else" if one.ends else "stays"
    if one.obj.metadata.is_deleting and one.finalizers:
        fate = f"is being deleted and waits for {', '.join(one.finalizers)}"
    return f"{fate}; Secret {one.obj.namespace}/{one.secret} stays" if one.secret else fate


def _report(done: Sequence[Released], options: Options) -> None:
    if options.output == "json":
        summary = dict(sorted(Counter(_word(one) for one in done).items()))
        document = envelope("ReleaseResult", items=[_item(one) for one in done], summary=summary)
        write_object(sys.stdout, document, "json")
    elif options.output == "name":
        for one in done:
            if not one.error:
                obj = one.release.obj
                click.echo(f"{obj.RESOURCE.kind.lower()}.alibabacloud.com/{obj.name}")
    elif done:
        header = ("NAMESPACE", "KIND", "NAME", "SECRET", "RESULT")
        write_table(sys.stdout, header, [_row(one) for one in done])
    if not done:
        say("nothing holds the finalizer")
    elif options.dry_run != "none":
        say(f"dry run ({options.dry_run}): nothing was changed")


def _word(one: Released) -> str:
    return "failed" if one.error else "released"


def _row(one: Released) -> tuple[str, ...]:
    obj = one.release.obj
    kept = f"{one.release.secret} (kept)" if one.release.secret else "-"
    return obj.namespace or "-", obj.RESOURCE.kind, obj.name, kept, f"failed: {one.error}" if one.error else "released"


def _item(one: Released) -> dict[str, Any]:
    release = one.release
    return {
        "object": ref_item(release.obj.ref),
        "result": _word(one),
        "reason": one.error,
        "keptSecret": release.secret or None,
        "vanishes": release.ends,
        "otherFinalizers": list(release.finalizers),
    }
