"""kubectl asm explain: the admission of every entry, told; no service is called."""

from __future__ import annotations

import sys
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import cluster_options, input_options, output_option, selection_options, upstream_environment
from kubectl_asm.cli.session import Options, connection_options, options_of, read_inputs, say, tell_problems, warn
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import Chosen, choose_settings, shown_settings
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.explanation import explanation, markdown_lines, tree_lines

EPILOG = """\b
Examples:
  # which endpoint and which credentials would each entry use?
  kubectl asm explain -f manifests/ --region cn-hangzhou
  # the same for live objects
  kubectl asm explain -n shop
  # as data
  kubectl asm explain -f manifests/ -o json | jq '.items[].entries[] | {entry, endpoint, tier, errorClass}'
"""


@click.command("explain", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@input_options
@selection_options
@cluster_options
@output_option("tree", "json", "yaml", "markdown", default="tree")
@controller_options
def command(**values: Any) -> int:
    """Say for every entry: store, gates, credential tier, endpoint, keys, and which rule decided."""
    options = options_of(values)
    is_live = not (options.filenames or options.kustomize)
    if is_live:
        return _live(options)
    namespace = options.namespace or "default"
    manifests = read_inputs(options, namespace=namespace)
    chosen = choose_settings(options.values, options.process, one_shot=True)
    session = wiring.offline_session(
        manifests, None, chosen.settings, namespace=namespace, environment=upstream_environment(options.process.variables)
    )
    code = _explain(session, chosen, options, all_namespaces=True)
    tell_problems(manifests.problems)
    return exits.CANNOT_RUN if manifests.problems else code


def _live(options: Options) -> int:
    world = wiring.World()
    choice = wiring.ClusterChoice(
        None if options.cluster_dir else connection_options(options),
        folder=options.cluster_dir,
        namespace=options.namespace,
        chunk_size=options.chunk_size,
        writable=False,
    )
    with wiring.open_cluster(choice, world) as cluster:
        neighbour = wiring.look_around(cluster, allow_coexistence=False)
        chosen = choose_settings(options.values, options.process, one_shot=True, cluster=cluster, neighbour=neighbour)
        namespaces = () if options.all_namespaces else (options.namespace or cluster.namespace,)
        session = wiring.explaining_session(
            cluster, chosen.settings, world, environment=upstream_environment(options.process.variables), namespaces=namespaces
        )
        return _explain(session, chosen, options, all_namespaces=options.all_namespaces)


def _explain(session: wiring.Session, chosen: Chosen, options: Options, *, all_namespaces: bool) -> int:
    for text in chosen.warnings:
        warn(text)
    externals = session.select(
        options.names, namespace=options.namespace, all_namespaces=all_namespaces, selector=options.selector
    )
    shown = shown_settings(chosen)
    items = []
    for external in externals:
        admitted = session.rounds.admit(external)
        items.append(explanation(external, admitted, chosen.settings, shown))
    if not items:
        say("no ExternalSecret in the input")
    _write(items, options.output)
    return exits.FOUND if any(_is_broken(item) for item in items) else exits.OK


def _write(items: list[dict[str, Any]], form: str) -> None:
    if form in ("json", "yaml"):
        write_object(sys.stdout, envelope("Explanation", items=items), form)
        return
    lines = markdown_lines(items) if form == "markdown" else (line for item in items for line in (*tree_lines(item), ""))
    for line in lines:
        click.echo(line)


def _is_broken(item: dict[str, Any]) -> bool:
    return bool(item["reason"]) or any(entry["errorClass"] for entry in item["entries"])
