"""kubectl asm check: everything a sync needs, looked at one by one, each with what to do when it is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.adapters.decorate import CallCounts
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import backend_options, cluster_options, output_option, selection_options, upstream_environment
from kubectl_asm.cli.session import Options, connection_options, credential_choice, options_of, say
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import Chosen, choose_settings
from kubectl_asm.errors import AsmError
from kubectl_asm.report.checks import HEADER, Check, Verdict, check_document, check_row
from kubectl_asm.report.documents import write_object
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  # would a sync of this namespace work?
  kubectl asm check -n shop
  # settings, kubeconfig and local credentials only; no connection is made
  kubectl asm check --offline
  # in a pipeline
  kubectl asm check -n shop -o json | jq '.items[] | select(.result == "failed")'
"""


@click.command("check", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--offline", is_flag=True, help="Make no connection at all.")
@selection_options
@cluster_options
@backend_options
@output_option("table", "json", "yaml", default="table")
@controller_options
def command(**values: Any) -> int:
    """Check cluster, CRDs, permissions, hosts, clock and credentials. Reads no value of KMS or OOS and writes nothing."""
    options = options_of(values)
    checks = list(_checks(options))
    _write(checks, options.output)
    return exits.FOUND if any(check.verdict is Verdict.FAILED for check in checks) else exits.OK


def _write(checks: Sequence[Check], form: str) -> None:
    if form != "table":
        write_object(sys.stdout, check_document(checks), form)
        return
    write_table(sys.stdout, HEADER, [check_row(check) for check in checks])
    for check in checks:
        if check.hint and check.verdict in (Verdict.FAILED, Verdict.WARNING):
            say(f"hint: {check.name} {check.subject}: {check.hint}")


def _checks(options: Options) -> Iterator[Check]:
    """Yield every check; one that cannot go on ends those that build on it, never the command."""
    yield from wiring.settings_checks(options.process.variables, upstream_environment(options.process.variables))
    yield from _local_source(options)
    if options.offline:
        yield from _offline(options)
        return
    try:
        choice = _cluster_choice(options)
        with wiring.open_cluster(choice, wiring.World()) as cluster:
            yield from _online(options, cluster)
    except AsmError as error:
        yield wiring.failed_check("cluster", options.context or options.server, error)


def _cluster_choice(options: Options) -> wiring.ClusterChoice:
    return wiring.ClusterChoice(
        None if options.cluster_dir else connection_options(options),
        folder=options.cluster_dir,
        namespace=options.namespace,
        chunk_size=options.chunk_size,
        concurrency=options.concurrency,
        writable=False,
    )


def _local_source(options: Options) -> Iterator[Check]:
    try:
        yield from wiring.local_source_checks(credential_choice(options), options.process.variables)
    except AsmError as error:
        yield wiring.failed_check("credentials", f"--credentials={options.credentials}", error)


def _offline(options: Options) -> Iterator[Check]:
    try:
        chosen = choose_settings(options.values, options.process, one_shot=True)
        yield wiring.region_check(chosen.settings)
    except AsmError as error:
        yield wiring.failed_check("settings", "", error)
    if options.cluster_dir:
        return
    try:
        yield wiring.kubeconfig_check(_cluster_choice(options))
    except AsmError as error:
        yield wiring.failed_check("kubeconfig", options.kubeconfig, error)


def _online(options: Options, cluster: wiring.Cluster) -> Iterator[Check]:
    namespaces = () if options.all_namespaces else (options.namespace or cluster.namespace,)
    checks = list(wiring.cluster_checks(cluster, namespaces))
    yield from checks
    try:
        chosen = choose_settings(options.values, options.process, one_shot=True, cluster=cluster)
    except AsmError as error:
        yield wiring.failed_check("settings", "", error)
        return
    yield wiring.region_check(chosen.settings)
    if any(check.name in ("api-server", "crd") and check.verdict is Verdict.FAILED for check in checks):
        yield Check("credentials", "", Verdict.SKIPPED, "the stores cannot be read")
        return
    yield from _cloud(options, cluster, chosen, namespaces)


def _cloud(options: Options, cluster: wiring.Cluster, chosen: Chosen, namespaces: Sequence[str]) -> Iterator[Check]:
    world, counts, credentials = wiring.World(), CallCounts(), credential_choice(options, chosen)
    choice = wiring.CloudChoice(
        options.backend, options.cloud_emulator, options.concurrency, credentials, variables=options.process.variables
    )
    with wiring.open_cloud(choice, chosen.settings, world, counts, cluster.tokens) as cloud:
        session = wiring.cluster_session(
            cluster,
            cloud,
            wiring.PassChoice(chosen.settings, books=False),
            world,
            manifests=None,
            environment=credentials.environment(upstream_environment(options.process.variables)),
            namespaces=namespaces,
            counts=counts,
        )
        externals = session.select(
            options.names, namespace=options.namespace, all_namespaces=options.all_namespaces, selector=options.selector
        )
        yield from wiring.endpoint_checks(session, cloud, externals, options.concurrency)
        if cloud.identify is not None:
            scope = wiring.ClientScope(namespaces, only_used=bool(options.names or options.selector))
            clients = wiring.shown_clients(session, externals, scope)
            resolved = wiring.identify_all(wiring.patient(cloud.identify, world), clients, options.concurrency)
            yield from wiring.credential_checks(resolved)
