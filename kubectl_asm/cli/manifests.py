"""kubectl asm manifests: print what has to be installed in a cluster."""

from __future__ import annotations

import click

from kubectl_asm.cli import exits

EPILOG = """\b
Examples:
  kubectl asm manifests crds | kubectl apply --server-side -f -
  kubectl asm manifests rbac -n kubectl-asm-system
  kubectl asm manifests rbac --watch-namespaces shop,web --read-only
"""


@click.command("manifests", epilog=EPILOG)
@click.argument("what", type=click.Choice(["crds", "rbac"]))
@click.option("-n", "--namespace", default="kubectl-asm-system", show_default=True, help="Namespace of the controller.")
@click.option("--watch-namespaces", default="", metavar="A,B", help="rbac: Roles in these namespaces, nothing cluster-wide.")
@click.option("--read-only", is_flag=True, help="rbac: no verb that changes an object, except on the controller's Leases.")
def command(what: str, namespace: str, watch_namespaces: str, read_only: bool) -> int:
    """Print CustomResourceDefinitions, or the rights of the controller, as YAML."""
    click.echo(_crds() if what == "crds" else _rbac(namespace, watch_namespaces, read_only=read_only), nl=False)
    return exits.OK


def _crds() -> str:
    from importlib.resources import files

    folder = files("kubectl_asm.manifest") / "crds"
    texts = (one.read_text("utf-8") for one in sorted(folder.iterdir(), key=lambda one: one.name) if one.name.endswith(".yaml"))
    return "---\n".join(text.removeprefix("---\n") for text in texts)


def _rbac(namespace: str, watched: str, *, read_only: bool) -> str:
    import yaml

    from kubectl_asm.engine.controller_rbac import controller_manifests

    names = [one for one in (part.strip() for part in watched.split(",")) if one]
    return yaml.safe_dump_all(controller_manifests(namespace, names, read_only=read_only), sort_keys=False)
