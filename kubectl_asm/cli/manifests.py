"""kubectl asm manifests: print what has to be installed in a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from kubectl_asm import __version__
from kubectl_asm.cli import exits
from kubectl_asm.errors import UsageError

if TYPE_CHECKING:
    from kubectl_asm.engine.controller_pod import Installation

EPILOG = """\b
Examples:
  kubectl asm manifests crds | kubectl apply --server-side -f -
  kubectl asm manifests rbac -n kubectl-asm-system
  kubectl asm manifests rbac --watch-namespaces shop,web --read-only
  # everything, with the controller's settings after --
  kubectl asm manifests all --image registry.example.com/kubectl-asm:v1 -- --region=cn-hangzhou | kubectl apply --server-side -f -
  # beside a running controller: decides and reports, may write nothing
  kubectl asm manifests controller --shadow -- --region=cn-hangzhou
"""

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FLAG: Final = re.compile(r"--?([a-z][a-z0-9-]*)(=.*)?", re.ASCII | re.DOTALL)
_DECIDED: Final = {
    "lease-name": "--shadow",
    "lease-namespace": "--namespace",
    "shards": "--shards",
    "shadow": "--shadow",
    "watch-namespaces": "--watch-namespaces",
}
"""Flags of serve that other objects depend on, and the option to use instead."""


@click.command("manifests", epilog=EPILOG)
@click.argument("what", type=click.Choice(["crds", "rbac", "controller", "all"]))
@click.argument("flags", nargs=-1, metavar="[-- FLAG_OF_SERVE...]", type=click.UNPROCESSED)
@click.option("-n", "--namespace", default="kubectl-asm-system", show_default=True, help="Namespace of the controller.")
@click.option("--watch-namespaces", default="", metavar="A,B", help="Roles in these namespaces, nothing cluster-wide.")
@click.option("--read-only", is_flag=True, help="rbac: no verb that changes an object, except on the controller's Leases.")
@click.option("--shadow", is_flag=True, help="A controller that decides and reports and may write nothing, under its own name.")
@click.option("--image", default=f"kubectl-asm:{__version__}", show_default=True, help="Image, made with deploy/Dockerfile.")
@click.option("--replicas", default=2, show_default=True, type=click.IntRange(0, 100), help="Pods; one leads.")
@click.option("--shards", default=1, show_default=True, type=click.IntRange(1, 1000), help="Parts that replicas share.")
@click.option("--credentials-secret", default="", metavar="NAME", help="Secret with the variables of the identity.")
@click.option("--rrsa", is_flag=True, help="Mount a token of the account for RAM Roles for Service Accounts.")
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="Variable of the pod; may be repeated.")
def command(what: str, **options: Any) -> int:
    """Print what a controller needs in a cluster, as YAML.

    crds: the resource definitions. rbac: account, roles, bindings. controller: namespace, rbac, Deployment, Service,
    PodDisruptionBudget, NetworkPolicy. all: crds and controller.
    """
    wanted = _installation(options)
    parts = {
        "crds": lambda: [_crds()],
        "rbac": lambda: [_rbac(wanted, read_only=options["read_only"] or wanted.is_shadow)],
        "controller": lambda: [_controller(wanted)],
        "all": lambda: [_crds(), _controller(wanted)],
    }
    click.echo("---\n".join(parts[what]()), nl=False)
    return exits.OK


def _installation(options: dict[str, Any]) -> Installation:
    from kubectl_asm.engine.controller_pod import Installation

    return Installation(
        namespace=_namespace(options["namespace"]),
        image=options["image"],
        replicas=options["replicas"],
        watched=tuple(_namespace(one) for one in map(str.strip, options["watch_namespaces"].split(",")) if one),
        shards=options["shards"],
        credentials=options["credentials_secret"],
        has_token=options["rrsa"],
        environment=tuple(_variable(one) for one in options["environment"]),
        flags=tuple(_flag(one) for one in options["flags"]),
        is_shadow=options["shadow"],
    )


def _namespace(name: str) -> str:
    if _NAMESPACE.fullmatch(name) is None:
        raise UsageError(f'"{name}" is not the name of a namespace')
    return name


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or _VARIABLE.fullmatch(name) is None:
        raise UsageError(f'--env "{name}" is not NAME=VALUE')
    return name, value


def _flag(word: str) -> str:
    match = _FLAG.fullmatch(word)
    if match is None:
        raise UsageError(f'"{word}" is not a flag of serve', hint="write --name=value")
    if instead := _DECIDED.get(match[1]):
        raise UsageError(f"--{match[1]} decides about other objects too", hint=f"use {instead} before the two dashes")
    return word


def _crds() -> str:
    from importlib.resources import files

    folder = files("kubectl_asm.manifest") / "crds"
    texts = (one.read_text("utf-8") for one in sorted(folder.iterdir(), key=lambda one: one.name) if one.name.endswith(".yaml"))
    return "---\n".join(text.removeprefix("---\n") for text in texts)


def _rbac(wanted: Installation, *, read_only: bool) -> str:
    from kubectl_asm.engine.controller_rbac import controller_manifests

    return _yaml(controller_manifests(wanted.namespace, wanted.watched, read_only=read_only, name=wanted.name))


def _controller(wanted: Installation) -> str:
    from kubectl_asm.engine.controller_objects import controller_objects

    return _yaml(controller_objects(wanted))


def _yaml(objects: Iterable[dict[str, Any]]) -> str:
    from kubectl_asm.report.documents import yaml_text

    return "---\n".join(map(yaml_text, objects))
