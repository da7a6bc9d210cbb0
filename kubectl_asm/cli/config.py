"""kubectl asm config view: every setting with its value and where the value comes from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from kubectl_asm.cli import exits
from kubectl_asm.cli.options import cluster_options, output_option
from kubectl_asm.cli.setting_options import controller_options

if TYPE_CHECKING:
    from kubectl_asm.cli.session import Options
    from kubectl_asm.cli.settings import Chosen
    from kubectl_asm.model.settings import Settings

EPILOG = """\b
Examples:
  # what a command run here would work with
  kubectl asm config view
  # what a release decides
  kubectl asm config view --helm-values values.yaml -o json
  # what a running controller decides
  kubectl asm config view --from-deployment kube-system/ack-secret-manager
"""


@click.group("config")
def command() -> None:
    """Show the effective settings and where each comes from."""


@command.command("view", epilog=EPILOG)
@click.option("--serve", "is_serve", is_flag=True, help="As serve sees them; without it: as one-shot commands do.")
@cluster_options
@output_option("table", "json", "yaml", default="table")
@controller_options
def view(**values: Any) -> int:
    """Print every setting, its value and the source that decided it."""
    from kubectl_asm.cli.session import options_of, warn

    options = options_of({"namespace": "", **values})
    chosen = _chosen(options)
    for text in chosen.warnings:
        warn(text)
    _write(chosen.settings, chosen.origins, options.output)
    return exits.OK


def _chosen(options: Options) -> Chosen:
    """Return the settings in force; a cluster is opened only to read the Deployment the user named."""
    from kubectl_asm import wiring
    from kubectl_asm.cli.session import connection_options
    from kubectl_asm.cli.settings import choose_settings

    one_shot = not options.is_serve
    if not options.from_deployment:
        return choose_settings(options.values, options.process, one_shot=one_shot)
    connection = None if options.cluster_dir else connection_options(options)
    choice = wiring.ClusterChoice(connection, folder=options.cluster_dir, writable=False)
    with wiring.open_cluster(choice, wiring.World()) as cluster:
        return choose_settings(options.values, options.process, one_shot=one_shot, cluster=cluster)


def _write(settings: Settings, origins: Mapping[str, str], form: str) -> None:
    from kubectl_asm.cli.settings import plain
    from kubectl_asm.manifest.settings_fields import BY_NAME, format_value
    from kubectl_asm.report.documents import envelope, write_object
    from kubectl_asm.report.tables import write_table

    values = {name: getattr(settings, name) for name in sorted(origins)}
    if form == "table":
        rows = [(BY_NAME[name].flag, format_value(value) or '""', origins[name]) for name, value in values.items()]
        write_table(sys.stdout, ("SETTING", "VALUE", "ORIGIN"), rows)
        return
    items = [{"name": name, "value": plain(value), "origin": origins[name]} for name, value in values.items()]
    write_object(sys.stdout, envelope("Config", settings=items), form)
