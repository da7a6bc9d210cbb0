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
from kubectl_asm.cli.options import (
    cluster_options,
    credentials_option,
    input_options,
    output_option,
    selection_options,
    upstream_environment,
)
from kubectl_asm.cli.session import Options, connection_options, has_input, options_of, read_texts, say, tell_problems, warn
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import Chosen, choose_settings, shown_settings
from kubectl_asm.engine.calls import Hosts, hosts_of
from kubectl_asm.errors import InputError, UsageError
from kubectl_asm.manifest.documents import SourceText
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
  kubectl asm explain -n shop --policy rbac --bind-to serviceaccount:ci/sync | kubectl apply -f -
  # which tier would a laptop with a profile of the aliyun CLI use?
  kubectl asm explain -f manifests/ --region cn-hangzhou --credentials=profile:dev
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
@click.option(
    "--bind-to",
    "bound_to",
    default="",
    metavar="WHOM",
    help="Whom --policy rbac binds the roles to: user:NAME, group:NAME or serviceaccount:NS/NAME."
    "  [default: the ServiceAccount kubectl-asm-sync of the namespace]",
)
@click.option("--oidc-issuer", default="", metavar="URL", help="Issuer of the cluster's tokens, for --policy trust.")
@click.option(
    "--controller-service-account",
    "controller_account",
    default="",
    metavar="NS/NAME",
    help="ServiceAccount whose token is requested instead of reading a token file, as in sync; subject of --policy trust.",
)
@credentials_option
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
    """What is explained. manifests: of files, with their texts; is_live: whether a cluster was asked."""

    session: wiring.Session
    chosen: Chosen
    manifests: Manifests | None
    is_live: bool
    texts: tuple[SourceText, ...] | None = None
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
        neighbour = wiring.watch_neighbour(cluster)
        chosen = choose_settings(options.values, options.process, one_shot=True, cluster=cluster, neighbour=neighbour)
        texts = read_texts(options) if has_files else None
        manifests = wiring.manifests_of(texts, cluster.namespace) if texts is not None else None
        session = wiring.explaining_session(
            cluster,
            chosen.settings,
            world,
            environment=_environment(options),
            namespaces=() if options.all_namespaces else (options.namespace or cluster.namespace,),
            manifests=manifests,
        )
        problems = (*cluster.problems, *(manifests.problems if manifests else ()))
        yield _Opened(session, chosen, manifests, True, texts, problems)


def _offline(options: Options) -> _Opened:
    namespace = options.namespace or "default"
    texts = read_texts(options)
    manifests = wiring.manifests_of(texts, namespace)
    chosen = choose_settings(options.values, options.process, one_shot=True)
    session = wiring.offline_session(manifests, None, chosen.settings, namespace=namespace, environment=_environment(options))
    return _Opened(session, chosen, manifests, False, texts, manifests.problems)


def _environment(options: Options) -> dict[str, str]:
    """Return what the environment client is made of. A local source that is not there here may be there where a sync runs."""
    choice = wiring.CredentialChoice(wiring.check_source(options.credentials))
    if choice.is_local:
        try:
            wiring.describe_source(choice.source, options.process.variables)
        except (UsageError, InputError) as error:
            warn(f"--credentials={choice.source}: {error}")
    return choice.environment(upstream_environment(options.process.variables))


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
    findings = _findings(opened, items, options)
    found = [explanation(one, settings, shown, hosts, said) for one, said in zip(items, findings, strict=True)]
    document = envelope("Explanation", items=found, clusterResources=_cluster_items(opened, options))
    _write(document, options)
    for text in opened.session.failures:
        say(text)
    return exits.FOUND if opened.session.failures or any(map(is_broken, found)) else exits.OK


def _findings(opened: _Opened, items: list[Explained], options: Options) -> list[list[dict[str, Any]]]:
    """Return what validate says about each object under the same settings."""
    from kubectl_asm.cli.lint_settings import configured_selection
    from kubectl_asm.wiring.judging import choices_of, judge

    chosen, session = opened.chosen, opened.session
    choices = choices_of(chosen.settings, chosen.origins, chosen.unknown, session.namespace)
    return judge(session, items, opened.texts, choices, configured_selection(options.values), is_live=opened.is_live)


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
    from kubectl_asm.cli.explain_policy import Asked, write_policy

    form = "json" if options.output == "json" else "yaml"
    asked = Asked(
        opened.session,
        items,
        opened.chosen.settings,
        _hosts(opened, options),
        form,
        options.oidc_issuer,
        options.bound_to,
        opened.manifests,
        bool(options.all_namespaces and opened.manifests is None),
    )
    return write_policy(options.policy, asked)


def _hosts(opened: _Opened, options: Options) -> Hosts:
    return hosts_of(opened.chosen.settings, options.process.variables, _account(options.controller_account))


def _account(text: str) -> tuple[str, str] | None:
    namespace, slash, name = text.partition("/")
    if text and not (slash and namespace and name):
        raise UsageError(f'--controller-service-account "{text}" is not NS/NAME')
    return (namespace, name) if text else None
