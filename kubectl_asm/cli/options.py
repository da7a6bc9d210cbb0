"""Options that several commands share, as decorators, and what becomes of them. Flags follow kubectl.

Source: spec/cli.md 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, TypeVar

import click
import msgspec

from kubectl_asm.adapters.building import Chart
from kubectl_asm.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

UPSTREAM_VARIABLES: Final = (
    "ACCESS_KEY_ID",
    "SECRET_ACCESS_KEY",
    "ALICLOUD_ROLE_ARN",
    "ALICLOUD_ROLE_SESSION_NAME",
    "ALICLOUD_ROLE_SESSION_EXPIRATION",
    "ALICLOUD_OIDC_PROVIDER_ARN",
    "ALICLOUD_OIDC_TOKEN_FILE",
    "ALICLOUD_REMOTE_ROLE_ARN",
    "ALICLOUD_REMOTE_ROLE_SESSION_NAME",
)


def _stack(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def input_options(function: F) -> F:
    """-f, -R, -k, --helm: where manifests come from."""
    return _stack(
        click.option(
            "-f",
            "--filename",
            "filenames",
            multiple=True,
            metavar="PATH",
            help="File, folder, glob or - for stdin; may be repeated.",
        ),
        click.option("-R", "--recursive", is_flag=True, help="Descend into the folders of -f."),
        click.option("-k", "--kustomize", default="", metavar="DIR", help="A kustomization, built by kubectl."),
        click.option("--helm", default="", metavar="CHART", help="A chart, rendered by helm."),
        click.option("--values", "chart_values", multiple=True, metavar="FILE", help="Values of the chart; may be repeated."),
    )(function)


def chart_of(values: Mapping[str, Any]) -> Chart | None:
    """Return the chart of --helm, None without one. Raises UsageError for values without a chart."""
    path, files = values.get("helm", ""), values.get("chart_values", ())
    if files and not path:
        raise UsageError("--values goes with --helm CHART", hint="the values of a controller's release: --helm-values FILE")
    return Chart(path, tuple(files), values.get("namespace", "")) if path else None


def selection_options(function: F) -> F:
    """-n, -A, -l: which objects."""
    return _stack(
        click.option("-n", "--namespace", default="", help="Namespace; the context's one by default."),
        click.option("-A", "--all-namespaces", is_flag=True, help="All namespaces."),
        click.option("-l", "--selector", default="", metavar="SELECTOR", help="Label selector such as app=web,tier!=db."),
    )(function)


def cluster_options(function: F) -> F:
    """kubectl's connection flags, and a folder as the cluster."""
    folder = click.option("--cluster-dir", default="", metavar="DIR", help="A folder of manifests acts as the cluster.")
    return folder(connection_flags(function))


def connection_flags(function: F) -> F:
    """kubectl's connection flags, except for -n."""
    return _stack(
        click.option("--kubeconfig", default="", metavar="FILE", help="Path of the kubeconfig."),
        click.option("--context", default="", help="Context of the kubeconfig."),
        click.option("--cluster", default="", help="Cluster of the kubeconfig."),
        click.option("--user", default="", help="User of the kubeconfig."),
        click.option("-s", "--server", default="", help="Address of the API server."),
        click.option("--token", default="", help="Bearer token for the API server."),
        click.option("--as", "as_user", default="", help="User to impersonate."),
        click.option("--as-group", "as_groups", multiple=True, help="Group to impersonate; may be repeated."),
        click.option("--as-uid", default="", help="UID to impersonate."),
        click.option("--certificate-authority", default="", metavar="FILE", help="CA of the API server."),
        click.option("--client-certificate", default="", metavar="FILE", help="Client certificate for TLS."),
        click.option("--client-key", default="", metavar="FILE", help="Key of the client certificate."),
        click.option("--insecure-skip-tls-verify", is_flag=True, help="Do not check the API server's certificate."),
        click.option("--tls-server-name", default="", help="Name to check the API server's certificate against."),
        click.option(
            "--request-timeout", default="0", metavar="DURATION", help="Time for one API request, e.g. 10s; 0: default."
        ),
        click.option("--chunk-size", default=500, show_default=True, help="Objects a page of large lists."),
    )(function)


def credentials_option(function: F) -> F:
    """--credentials: what the environment client is made of."""
    return click.option(
        "--credentials",
        default="env",
        show_default=True,
        metavar="env|profile[:NAME]|uri|metadata",
        help="Where reads without a store get theirs: the controller's variables, or this one local source and no other.",
    )(function)


def backend_options(function: F) -> F:
    """Where values come from: fixtures, the emulator or the real services."""
    return _stack(
        click.option("--backend", default="", metavar="FILE", help="A fixtures file replaces all cloud services."),
        click.option("--cloud-emulator", default="", metavar="READY_FILE", help="Reach every cloud host at a running emulator."),
        credentials_option,
        click.option(
            "--controller-service-account",
            default="",
            metavar="NS/NAME",
            help="Request this ServiceAccount's token instead of reading a token file; without it: that of a controller whose"
            " settings are used, where there is no such file.",
        ),
        click.option(
            "--concurrency",
            default=16,
            show_default=True,
            type=click.IntRange(1, 256),
            help="Objects worked on at the same time.",
        ),
    )(function)


def output_option(*forms: str, default: str) -> Callable[[F], F]:
    """-o with the given forms."""
    return click.option(
        "-o", "--output", type=click.Choice(forms), default=default, show_default=True, help="Form of the output."
    )


class ProcessEnvironment(msgspec.Struct, frozen=True):
    """What the process was started with, read once here and passed on as values."""

    variables: Mapping[str, str]
    has_terminal: bool
    stdin: IO[bytes] | None


def process_environment() -> ProcessEnvironment:
    """Return the environment of this process. stdin is None when it is a terminal."""
    variables = dict(os.environ)  # noqa: TID251  # the one place that reads the environment
    stdin = None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer
    return ProcessEnvironment(variables, sys.stderr.isatty(), stdin)


def upstream_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the environment client, and no other."""
    return {name: variables[name] for name in UPSTREAM_VARIABLES if variables.get(name)}
