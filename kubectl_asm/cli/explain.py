"""kubectl asm explain: the admission of every entry, told; no service is called."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import cluster_options, input_options, output_option, selection_options, upstream_environment
from kubectl_asm.cli.session import Options, connection_options, has_input, options_of, read_inputs, say, tell_problems, warn
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import Chosen, choose_settings, shown_settings
from kubectl_asm.engine.calls import Hosts, hosts_of
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.explanation import Explained, cluster_store_item, expansion_item, explanation, is_broken
from kubectl_asm.wiring import explaining

EPILOG = """\b
Examples:
  # which endpoint and which credentials would each entry use?
  kubectl asm explain -f manifests/ --region cn-hangzhou
  # the same for live objects
  kubectl asm explain -n shop
  # manifests beside what is live: same spec, keys present and missing, who owns the Secret
  kubectl asm explain -f manifests/ --live
  # the permissions these objects need, and nothing more
  kubectl asm explain -f manifests/ --region cn-hangzhou --policy ram
  kubectl asm explain -n shop --policy rbac | kubectl apply -f -
  # as data
  kubectl asm explain -f manifests/ -o json | jq '.items[].entries[] | {entry, endpoint, tier, errorClass}'
"""


@click.command("explain", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@input_options
@selection_options
@cluster_options
@output_option("tree", "json", "yaml", "markdown", "html", default="tree")
@click.option("--live", is_flag=True, help="With -f: compare with the live objects, and look references up there too.")
@click.option(
    "--policy",
    type=click.Choice(["ram", "trust", "rbac", "network"]),
    help="Instead: what all selected objects need, and nothing more.",
)
@click.option("--oidc-issuer", default="", metavar="URL", help="Issuer of the cluster's tokens, for --policy trust.")
@click.option(
    "--controller-service-account",
    "controller_account",
    default="",
    metavar="NS/NAME",
    help="ServiceAccount whose token is requested instead of reading a token file, as in sync; subject of --policy trust.",
)
@controller_options
def command(**values: Any) -> int:
    """Say for every entry: store, gates, credential tier, endpoint, calls, keys, and which rule decided."""
    options = options_of(values)
    _check(options)
    with _opened(options) as opened:
        for text in (*opened.chosen.warnings, *opened.session.notes):
            warn(text)
        items = _items(opened, options)
        code = _policy(opened, items, options) if options.policy else _tell(opened, items, options)
    tell_problems(opened.problems)
    return exits.CANNOT_RUN if opened.problems else code


def _check(options: Options) -> None:
    has_files = has_input(options)
    if options.live and not has_files:
        raise UsageError("--live compares files with the cluster", hint="add -f; without it live objects are explained anyway")
    if options.policy and options.output in ("markdown", "html"):
        raise UsageError(f"--policy has no output -o {options.output}", hint="use -o yaml or -o json")


@dataclass(slots=True)
class _Opened:
    """What is explained. manifests: of files; is_live: whether a cluster was asked."""

    session: wiring.Session
    chosen: Chosen
    manifests: Manifests | None
    is_live: bool
    problems: tuple[InputError, ...] = ()


@contextlib.contextmanager
def _opened(options: Options) -> Iterator[_Opened]:
    has_files = has_input(options)
    if has_files and not options.live:
        yield _offline(options)
        return
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
        manifests = read_inputs(options, namespace=cluster.namespace) if has_files else None
        session = wiring.explaining_session(
            cluster,
            chosen.settings,
            world,
            environment=upstream_environment(options.process.variables),
            namespaces=() if options.all_namespaces else (options.namespace or cluster.namespace,),
            manifests=manifests,
        )
        problems = (*cluster.problems, *(manifests.problems if manifests else ()))
        yield _Opened(session, chosen, manifests, True, problems)


def _offline(options: Options) -> _Opened:
    namespace = options.namespace or "default"
    manifests = read_inputs(options, namespace=namespace)
    chosen = choose_settings(options.values, options.process, one_shot=True)
    environment = upstream_environment(options.process.variables)
    session = wiring.offline_session(manifests, None, chosen.settings, namespace=namespace, environment=environment)
    return _Opened(session, chosen, manifests, False, manifests.problems)


def _items(opened: _Opened, options: Options) -> list[Explained]:
    externals = opened.session.select(
        options.names,
        namespace=options.namespace,
        all_namespaces=opened.manifests is not None or options.all_namespaces,
        selector=options.selector,
    )
    if not externals:
        say("no ExternalSecret in the input")
    return [explaining.explained(opened.session, external, is_live=opened.is_live) for external in externals]


def _tell(opened: _Opened, items: list[Explained], options: Options) -> int:
    settings, shown = opened.chosen.settings, shown_settings(opened.chosen)
    hosts = _hosts(opened, options)
    found = [explanation(one, settings, shown, hosts) for one in items]
    document = envelope("Explanation", items=found, clusterResources=_cluster_items(opened, options))
    _write(document, options)
    for text in opened.session.failures:
        say(text)
    return exits.FOUND if opened.session.failures or any(map(is_broken, found)) else exits.OK


def _cluster_items(opened: _Opened, options: Options) -> list[dict[str, Any]]:
    """Return the cluster resources: of the files, or with -A of the cluster; none where objects were named."""
    if options.names or options.selector or (opened.manifests is None and not options.all_namespaces):
        return []
    reach = explaining.cluster_reach(opened.session, opened.manifests)
    expansions = [expansion_item(plan, taken) for plan, taken in reach.expansions]
    return [*expansions, *(cluster_store_item(*one) for one in reach.stores)]


def _write(document: dict[str, Any], options: Options) -> None:
    match options.output:
        case "json" | "yaml":
            write_object(sys.stdout, document, options.output)
        case "html":
            from kubectl_asm.report.explanation_html import write_html

            write_html(sys.stdout, document)
        case "markdown":
            from kubectl_asm.report.explanation_markdown import markdown_lines

            sys.stdout.writelines(f"{line}\n" for line in markdown_lines(document))
        case _:
            from kubectl_asm.report.explanation_tree import document_lines, write_tree

            write_tree(sys.stdout, document_lines(document), colour=_colour(options))


def _colour(options: Options) -> bool | None:
    """Return what --color says, else NO_COLOR, else None: the stream decides."""
    asked = click.get_current_context().color
    return asked if asked is not None else (False if options.process.variables.get("NO_COLOR") else None)


def _policy(opened: _Opened, items: list[Explained], options: Options) -> int:
    from kubectl_asm.engine.policies_egress import destinations
    from kubectl_asm.engine.policies_ram import ram_policies
    from kubectl_asm.engine.policies_rbac import role_manifests, sync_rights
    from kubectl_asm.engine.policies_trust import Surroundings, trust_policies
    from kubectl_asm.report import policies

    settings, subjects = opened.chosen.settings, explaining.subjects_of(items)
    hosts = _hosts(opened, options)
    form = "json" if options.output == "json" else "yaml"
    is_complete = _tell_left_out(items)
    match options.policy:
        case "ram":
            ram = ram_policies(subjects)
            policies.write_policies(sys.stdout, "ram", ram.policies, form)
            for problem in ram.problems:
                say(f"{problem.external}: {problem.entry}: {problem.reason}")
            is_complete = is_complete and not ram.problems
        case "trust":
            around = Surroundings(options.oidc_issuer, hosts.controller)
            policies.write_policies(sys.stdout, "trust", trust_policies(subjects, settings, around), form)
        case "network":
            policies.write_destinations(sys.stdout, destinations(subjects, hosts), form)
        case _:
            reads = explaining.recorded_reads(opened.session, [subject.external for subject in subjects])
            rights = sync_rights(subjects, reads, settings, hosts, from_files=opened.manifests is not None)
            policies.write_roles(sys.stdout, role_manifests(rights), form)
    return exits.OK if is_complete else exits.FOUND


def _hosts(opened: _Opened, options: Options) -> Hosts:
    return hosts_of(opened.chosen.settings, options.process.variables, _account(options.controller_account))


def _tell_left_out(items: list[Explained]) -> bool:
    """Say which entries no policy covers because they fail whatever is allowed."""
    left_out = [text for one in items for text in explaining.left_out(one)]
    for text in left_out:
        say(f"not covered: {text}")
    return not left_out


def _account(text: str) -> tuple[str, str] | None:
    namespace, slash, name = text.partition("/")
    if text and not (slash and namespace and name):
        raise UsageError(f'--controller-service-account "{text}" is not NS/NAME')
    return (namespace, name) if text else None
