"""kubectl asm manifests: print what has to be installed in a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click

from kubectl_asm import __version__
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import input_options, upstream_environment
from kubectl_asm.errors import UsageError

if TYPE_CHECKING:
    from kubectl_asm.engine.controller_pod import Installation

EPILOG = """\b
Examples:
  kubectl asm manifests crds | kubectl apply --server-side -f -
  kubectl asm manifests rbac -n kubectl-asm-system
  kubectl asm manifests rbac --watch-namespaces shop,web --read-only
  # only what these objects need, by name
  kubectl asm manifests rbac -f manifests/ -R -- --region=cn-hangzhou
  # everything, with the controller's settings after --
  kubectl asm manifests all --image registry.example.com/kubectl-asm:v1 -- --region=cn-hangzhou | kubectl apply --server-side -f -
  # beside a running controller: decides and reports, may write nothing
  kubectl asm manifests controller --shadow -- --region=cn-hangzhou
  # with the settings of a Deployment, and the right to read that one
  kubectl asm manifests controller --shadow -- --from-deployment=kube-system/ack-secret-manager
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
@input_options
@click.option("-n", "--namespace", default="kubectl-asm-system", show_default=True, help="Namespace of the controller.")
@click.option("--watch-namespaces", default="", metavar="A,B", help="Roles in these namespaces, nothing cluster-wide.")
@click.option("--read-only", is_flag=True, help="rbac: what serve --shadow needs, no verb that changes an object.")
@click.option("--shadow", is_flag=True, help="A controller that decides and reports and may write nothing, under its own name.")
@click.option("--image", default=f"kubectl-asm:{__version__}", show_default=True, help="Image, made with deploy/Dockerfile.")
@click.option("--replicas", type=click.IntRange(0, 100), help="Pods; one leads. [default: 2, of a shadow 1]")
@click.option("--shards", default=1, show_default=True, type=click.IntRange(1, 256), help="Parts that replicas share.")
@click.option("--credentials-secret", default="", metavar="NAME", help="Secret with the variables of the identity.")
@click.option("--rrsa", is_flag=True, help="Mount a token of the account for RAM Roles for Service Accounts.")
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="Variable of the pod; may be repeated.")
def command(what: str, **options: Any) -> int:
    """Print what a controller needs in a cluster, as YAML.

    crds: the resource definitions. rbac: account, roles, bindings; with -f for exactly the objects of these manifests.
    controller: namespace, rbac, Deployment, Service, PodDisruptionBudget, NetworkPolicy. all: crds and controller.
    """
    wanted = _installation(options)
    if any(options[name] for name in ("filenames", "kustomize", "helm")):
        if what != "rbac" or wanted.watched or wanted.is_shadow or options["read_only"]:
            raise UsageError("-f goes with rbac and decides by itself", hint="leave the other options out")
        return _rbac_of_files(wanted, options)
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

    if options["shadow"] and options["shards"] > 1:
        raise UsageError("a shadow shares no work: it holds no Lease", hint="leave --shards out")
    flags = tuple(_flag(one) for one in options["flags"])
    parsed = _parsed(flags) if flags else {}
    return Installation(
        namespace=_namespace(options["namespace"]),
        image=options["image"],
        replicas=(1 if options["shadow"] else 2) if options["replicas"] is None else options["replicas"],
        watched=tuple(_namespace(one) for one in map(str.strip, options["watch_namespaces"].split(",")) if one),
        shards=options["shards"],
        credentials=options["credentials_secret"],
        has_token=options["rrsa"],
        environment=tuple(_variable(one) for one in options["environment"]),
        flags=flags,
        is_shadow=options["shadow"],
        deployment=_deployment(parsed.get("from_deployment") or ""),
    )


def _namespace(name: str) -> str:
    if _NAMESPACE.fullmatch(name) is None:
        raise UsageError(f'"{name}" is not the name of a namespace')
    return name


def _deployment(name: str) -> str:
    if name and [_NAMESPACE.fullmatch(part) is not None for part in name.split("/")] != [True, True]:
        raise UsageError(f'--from-deployment "{name}" is not NS/NAME')
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


def _parsed(flags: tuple[str, ...]) -> dict[str, Any]:
    """Return what serve makes of its flags; unknown ones are refused here and not by a pod that does not start."""
    from kubectl_asm.cli.serve import command as serve

    return serve.make_context("serve", list(flags)).params


def _rbac_of_files(wanted: Installation, options: dict[str, Any]) -> int:
    from kubectl_asm.cli.session import options_of, read_inputs, say, tell_problems, warn
    from kubectl_asm.cli.settings import choose_settings
    from kubectl_asm.engine.controller_rights import minimal_manifests
    from kubectl_asm.wiring.controllers import controller_needs

    given = options_of(options)
    chosen = choose_settings(_parsed(wanted.flags), given.process, one_shot=False)
    manifests = read_inputs(given, namespace="default")
    tell_problems(manifests.problems)
    if manifests.problems:
        return exits.CANNOT_RUN
    variables = given.process.variables
    needs = controller_needs(
        manifests, chosen.settings, namespace="default", variables=variables, environment=upstream_environment(variables)
    )
    for text in chosen.warnings:
        warn(text)
    click.echo(_yaml(minimal_manifests(needs.rights, wanted.name, wanted.namespace)), nl=False)
    say(f"start the controller with {' '.join(needs.served.flags())}")
    missing = (*(f"not covered: {text}" for text in needs.left_out), *needs.failures)
    for text in missing:
        say(text)
    return exits.FOUND if missing else exits.OK


def _crds() -> str:
    from importlib.resources import files

    folder = files("kubectl_asm.manifest") / "crds"
    texts = (one.read_text("utf-8") for one in sorted(folder.iterdir(), key=lambda one: one.name) if one.name.endswith(".yaml"))
    return "---\n".join(text.removeprefix("---\n") for text in texts)


def _rbac(wanted: Installation, *, read_only: bool) -> str:
    from kubectl_asm.engine.controller_objects import rights

    return _yaml(rights(wanted, read_only=read_only))


def _controller(wanted: Installation) -> str:
    from kubectl_asm.engine.controller_objects import controller_objects

    return _yaml(controller_objects(wanted))


def _yaml(objects: Iterable[dict[str, Any]]) -> str:
    from kubectl_asm.report.documents import yaml_text

    return "---\n".join(map(yaml_text, objects))
