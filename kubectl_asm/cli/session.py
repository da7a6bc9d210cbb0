"""From the options of a command to an open Session: the part render, diff, sync, explain and status share."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from kubectl_asm import wiring
from kubectl_asm.adapters.decorate import CallCounts
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import ProcessEnvironment, chart_of, process_environment, upstream_environment
from kubectl_asm.cli.settings import Chosen, choose_settings
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.durations import DurationError, parse_duration

if TYPE_CHECKING:
    from kubectl_asm.adapters.kube.connection import ConnectionOptions


@dataclass(frozen=True, slots=True)
class Options:
    """What click parsed, by option name. Missing names mean the command does not have the option."""

    values: Mapping[str, Any]
    process: ProcessEnvironment

    def __getattr__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an option, or a default where the command has none of that name."""
        return self.values.get(name, default)


def options_of(values: Mapping[str, Any]) -> Options:
    """Return the options of a command with the environment of the process."""
    return Options(values, process_environment())


def say(text: str) -> None:
    """Tell the user something that is no data."""
    sys.stdout.flush()  # where both streams end in one log, the data comes first
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Print a warning."""
    click.echo(f"warning: {text}", err=True)


def tell_problems(problems: Sequence[InputError]) -> None:
    """Print every part of the input that could not be read."""
    for problem in problems:
        exits.tell(problem)


def connection_options(options: Options) -> ConnectionOptions:
    """Return kubectl's connection flags."""
    from kubectl_asm.adapters.kube.connection import ConnectionOptions

    return ConnectionOptions(
        environment=options.process.variables,
        kubeconfig=options.kubeconfig,
        context=options.context,
        cluster=options.cluster,
        user=options.user,
        namespace=options.namespace,
        server=options.server,
        token=options.token,
        as_user=options.as_user,
        as_groups=tuple(options.as_groups),
        as_uid=options.as_uid,
        certificate_authority=options.certificate_authority,
        client_certificate=options.client_certificate,
        client_key=options.client_key,
        insecure_skip_tls_verify=options.insecure_skip_tls_verify,
        tls_server_name=options.tls_server_name,
        request_timeout_s=_timeout(options.request_timeout),
    )


def _timeout(text: str) -> float | None:
    """kubectl's form: a duration, or a bare number of seconds; 0 means the default."""
    if text.isdigit():
        return float(text) or None
    try:
        return parse_duration(text).total_seconds() or None
    except DurationError as error:
        raise click.UsageError(f"--request-timeout: {error}") from None


def has_input(options: Options) -> bool:
    """Return whether manifests are named by an option."""
    return any(options.get(name) for name in ("filenames", "kustomize", "helm"))


def read_inputs(options: Options, *, arguments: Sequence[str] = (), namespace: str) -> Manifests:
    """Return the manifests of -f, -k, plain arguments or stdin."""
    return wiring.read_manifests(
        (*options.filenames, *arguments),
        recursive=options.recursive,
        kustomize=options.kustomize,
        chart=chart_of(options.values),
        stdin=options.process.stdin,
        namespace=namespace,
    )


def read_texts(options: Options) -> tuple[SourceText, ...]:
    """Return the texts of -f, -k, --helm or stdin."""
    return wiring.read_texts(
        options.filenames,
        recursive=options.recursive,
        kustomize=options.kustomize,
        chart=chart_of(options.values),
        stdin=options.process.stdin,
    )


@dataclass(slots=True)
class Opened:
    """A session on a cluster with the settings it runs under and the input it came from. manifests: of -f."""

    session: wiring.Session
    chosen: Chosen
    cluster: wiring.Cluster
    cloud: wiring.Cloud
    problems: tuple[InputError, ...] = ()
    manifests: Manifests | None = None

    @staticmethod
    def is_everywhere(options: Options) -> bool:
        """Return whether objects of all namespaces are meant: -A, or files that name their own and no -n."""
        return bool(options.all_namespaces or (has_input(options) and not options.namespace))


@contextlib.contextmanager
def open_session(options: Options, *, writable: bool, adopt: bool = False, dry_run: str = "none") -> Iterator[Opened]:
    """Open the cluster, the cloud and a session over both for a one-shot command."""
    world = wiring.World()
    choice = wiring.ClusterChoice(
        None if options.cluster_dir else connection_options(options),
        folder=options.cluster_dir,
        namespace=options.namespace,
        chunk_size=options.chunk_size,
        concurrency=options.concurrency,
        server_dry_run=dry_run == "server",
        writable=writable and dry_run == "none",
    )
    with wiring.open_cluster(choice, world) as cluster:
        neighbour = wiring.look_around(cluster, allow_coexistence=options.get("allow_coexistence", False)) if writable else None
        chosen = choose_settings(options.values, options.process, one_shot=True, cluster=cluster, neighbour=neighbour)
        manifests = read_inputs(options, namespace=cluster.namespace) if has_input(options) else None
        problems = (*cluster.problems, *(manifests.problems if manifests else ()))
        counts = CallCounts()
        credentials = credential_choice(options, chosen)
        cloud = wiring.CloudChoice(
            options.backend, options.cloud_emulator, options.concurrency, credentials, variables=options.process.variables
        )
        writes = writable and dry_run != "client"
        with wiring.open_cloud(cloud, chosen.settings, world, counts, cluster.tokens) as opened_cloud:
            if dry_run == "client":
                cluster.writer = wiring.ClientDryRun()
            session = wiring.cluster_session(
                cluster,
                opened_cloud,
                wiring.PassChoice(
                    chosen.settings, chosen.profile_is_decided, adopt, children=_children(options, neighbour, writes)
                ),
                world,
                manifests=manifests,
                environment=credentials.environment(upstream_environment(options.process.variables)),
                namespaces=() if options.all_namespaces else (options.namespace or cluster.namespace,),
                counts=counts,
            )
            for text in (*chosen.warnings, *session.notes):
                warn(text)
            yield Opened(session, chosen, cluster, opened_cloud, problems, manifests)


def credential_choice(options: Options, chosen: Chosen | None = None) -> wiring.CredentialChoice:
    """Return where credentials come from. Raises UsageError."""
    spare = chosen.controller_account if chosen else ""
    return wiring.CredentialChoice(wiring.check_source(options.credentials), options.controller_service_account, spare)


def _children(options: Options, neighbour: wiring.Neighbour | None, writes: bool) -> wiring.ChildChoice | None:
    """Return what may happen to children of ClusterExternalSecrets; beside a controller they are its business."""
    if neighbour is not None and neighbour.deployment is not None:
        return None
    return wiring.ChildChoice(writes=writes, prunes=bool(options.get("prune", False)))
