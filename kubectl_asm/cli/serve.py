"""kubectl asm serve: the controller."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from kubectl_asm import __version__, wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import connection_flags, upstream_environment
from kubectl_asm.cli.session import Options, connection_options, credential_choice, options_of
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.cli.settings import Chosen, choose_settings
from kubectl_asm.errors import UsageError
from kubectl_asm.model.durations import DurationError, parse_duration

EPILOG: Final = """\b
Examples:
  # the controller, against the current context
  kubectl asm serve --region cn-hangzhou
  # beside the upstream controller: compute everything, write nothing, report what would differ
  kubectl asm serve --shadow --from-deployment kube-system/ack-secret-manager
  # two replicas that share the work
  kubectl asm serve --shards 8 --lease-namespace kube-system
"""
_LOG = logging.getLogger(__name__)
_TIMINGS: Final = ("lease-duration", "renew-deadline", "retry-period")
_NO_EFFECT: Final = ("backend", "reconcile_period")
"""Upstream's flags that its controller or this one has no use for."""


class GoFlags(click.Command):
    """Takes upstream's arguments as they stand in a Deployment: long names may also have one dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give names with one dash their second."""
        known = {name for parameter in self.params for name in parameter.opts if name.startswith("--")}
        return super().parse_args(ctx, [f"-{word}" if f"-{word.partition('=')[0]}" in known else word for word in args])


@click.command("serve", cls=GoFlags, epilog=EPILOG)
@connection_flags
@click.option("--cloud-emulator", default="", metavar="READY_FILE", help="Reach every cloud host at a running emulator.")
@click.option("--workers", default=0, type=click.IntRange(0, 512), help="Objects worked on at the same time. [default: 16]")
@click.option("--shadow", is_flag=True, help="Compute and report, write nothing; needs no lease and fits beside any controller.")
@click.option("--allow-coexistence", is_flag=True, help="Start although another controller holds its lock.")
@click.option(
    "--leader-elect/--no-leader-elect",
    default=True,
    help="Work only while holding the Lease; with --no-leader-elect nothing keeps a second replica away. [default: on]",
)
@click.option("--leader-elect-lease-duration", default="15s", show_default=True, metavar="DURATION", help="Age of a dead Lease.")
@click.option("--leader-elect-renew-deadline", default="10s", show_default=True, metavar="DURATION", help="Give up after this.")
@click.option("--leader-elect-retry-period", default="2s", show_default=True, metavar="DURATION", help="Between two attempts.")
@click.option("--lease-name", default="kubectl-asm-controller", show_default=True, help="Name of the Lease.")
@click.option("--lease-namespace", default="", metavar="NS", help="Namespace of the Lease. [default: that of the pod]")
@click.option(
    "--shards",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Parts that replicas share among themselves; 1: one leader does everything.",
)
@click.option(
    "--health-addr",
    "--health-address",
    "health_address",
    default=":8081",
    show_default=True,
    help="/healthz and /readyz; 0: none.",
)
@click.option(
    "--metrics-addr", "--metrics-address", "metrics_address", default=":8080", show_default=True, help="/metrics; 0: none."
)
@click.option("--log-format", type=click.Choice(["json", "text"]), help="[default: text on a terminal, else json]")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True)
@click.option("--limits-file", default="", metavar="FILE", help="YAML file of rates, read again whenever it changes.")
@click.option("--kube-api-qps", default=50.0, show_default=True, help="Requests a second to the API server; 0: no limit.")
@click.option("--kube-api-burst", default=100, show_default=True, help="Requests that may be made at once.")
@click.option("--cloud-calls-per-second", default=300.0, show_default=True, help="Per account and service, retries included.")
@click.option("--reconcile-count", type=click.IntRange(1, 512), help="Upstream's name of --workers.")
@click.option("--reconcile-period", metavar="DURATION", help="Accepted, no effect: stores are watched.", hidden=True)
@click.option("--backend", metavar="NAME", help="Accepted, no effect.", hidden=True)
@controller_options
def command(**values: Any) -> int:
    """Run the controller: keep every Secret as its ExternalSecret says, until SIGTERM or Ctrl-C."""
    options = options_of({**values, "namespace": "", "credentials": "env", "controller_service_account": ""})
    _start_logging(options)
    world = wiring.World()
    with _stop_on_signal(world), contextlib.ExitStack() as stack:
        chosen = _settings(options, world)
        from kubectl_asm.wiring import serving

        choice = _choice(options, chosen, world)
        opened = stack.enter_context(serving.open_controller(connection_options(options), _cloud(options, chosen), choice, world))
        if not (options.shadow or options.allow_coexistence):
            opened.refuse_neighbours()
        for address in stack.enter_context(opened.endpoints()):
            _LOG.info("listening on %s", address)
        _LOG.info("kubectl-asm %s serves %s%s", __version__, opened.connection.server, " as a shadow" if options.shadow else "")
        opened.controller.run()
    return exits.OK


def _start_logging(options: Options) -> None:
    from kubectl_asm.adapters.logs import start_logging

    form = options.log_format or ("text" if options.process.has_terminal else "json")
    start_logging(form, level=options.log_level)
    for name in _NO_EFFECT:
        if options.values[name] is not None:
            _LOG.info("--%s has no effect", name.replace("_", "-"))


def _settings(options: Options, world: wiring.World) -> Chosen:
    """Return the settings; a Deployment whose flags they shall be is read over a connection of its own."""
    cluster = None
    with contextlib.ExitStack() as stack:
        if options.from_deployment:
            cluster = stack.enter_context(wiring.open_cluster(wiring.ClusterChoice(connection_options(options)), world))
        chosen = choose_settings(options.values, options.process, one_shot=False, cluster=cluster)
    for text in chosen.warnings:
        _LOG.warning("%s", text)
    return chosen


def _choice(options: Options, chosen: Chosen, world: wiring.World) -> Any:
    from kubectl_asm.adapters.kube.leases import identity_of
    from kubectl_asm.manifest.limits_file import Limits
    from kubectl_asm.wiring.serving import ServeChoice

    settings = chosen.settings
    return ServeChoice(
        settings,
        Limits(
            settings.max_concurrent_kms_secret_pulls,
            settings.max_concurrent_oos_secret_pulls,
            options.cloud_calls_per_second,
            options.kube_api_qps,
            options.kube_api_burst,
        ),
        instance=identity_of(options.process.variables.get("POD_NAME") or socket.gethostname(), world.random),
        lease=_lease(options),
        workers=_workers(options),
        is_shadow=options.shadow,
        profile_is_decided=chosen.profile_is_decided,
        limits_file=options.limits_file,
        health_address=options.health_address,
        metrics_address=options.metrics_address,
        environment=upstream_environment(options.process.variables),
    )


def _workers(options: Options) -> int:
    return options.workers or options.reconcile_count or 16


def _lease(options: Options) -> Any:
    """Return where Leases are kept: in the namespace of the pod, or of the context; a shadow takes part in nothing."""
    from kubectl_asm.adapters.kube.leases import check_lease_name
    from kubectl_asm.app.tenure import Timings
    from kubectl_asm.wiring.serving import LeaseChoice

    if options.shadow or not options.leader_elect:
        return None
    check_lease_name(options.lease_name, options.shards)
    return LeaseChoice(
        options.lease_name,
        options.lease_namespace or options.process.variables.get("POD_NAMESPACE", ""),
        options.shards,
        Timings(*(_seconds(f"leader-elect-{name}", options.values) for name in _TIMINGS)),
    )


def _seconds(flag: str, values: Mapping[str, Any]) -> float:
    try:
        return parse_duration(values[flag.replace("-", "_")]).total_seconds()
    except DurationError as error:
        raise UsageError(f"--{flag}: {error}") from None


def _cloud(options: Options, chosen: Chosen) -> wiring.CloudChoice:
    return wiring.CloudChoice(
        "",
        options.cloud_emulator,
        _workers(options),
        credential_choice(options, chosen),
        variables=options.process.variables,
    )


@contextlib.contextmanager
def _stop_on_signal(world: wiring.World) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the controller in order; a second Ctrl-C ends it at once."""
    seen: list[int] = []

    def stop(number: int, _frame: object) -> None:
        if seen and number == signal.SIGINT:
            raise KeyboardInterrupt
        seen.append(number)
        world.clock.request_shutdown()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
