"""kubectl asm whoami: as whom each store and the environment client reads, asked of STS with their real credentials."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from kubectl_asm import wiring
from kubectl_asm.cli import exits
from kubectl_asm.cli.options import backend_options, cluster_options, input_options, output_option, selection_options
from kubectl_asm.cli.session import Opened, Options, open_session, options_of, say, tell_problems
from kubectl_asm.cli.setting_options import controller_options
from kubectl_asm.errors import UsageError
from kubectl_asm.report.documents import envelope, write_object
from kubectl_asm.report.identities import HEADER, identity_item, identity_row
from kubectl_asm.report.tables import write_table

EPILOG = """\b
Examples:
  # every store of a namespace, the cluster's stores and the environment
  kubectl asm whoami -n shop
  # only the stores that some ExternalSecrets use
  kubectl asm whoami -n shop -l app=web
  # the stores that manifests define and use; what they refer to is looked up in the files, then live
  kubectl asm whoami -f manifests/
  # the profile "dev" of the aliyun CLI, as data
  kubectl asm whoami --credentials=profile:dev -o json
"""


@click.command("whoami", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@input_options
@selection_options
@cluster_options
@backend_options
@output_option("table", "json", "yaml", default="table")
@controller_options
def command(**values: Any) -> int:
    """Ask STS as whom every store and the environment client would read. Reads no secret and writes nothing."""
    options = options_of(values)
    if options.backend:
        raise UsageError("whoami needs the real services", hint="a fixtures file assumes every identity; use --cloud-emulator")
    with open_session(options, writable=False) as opened:
        resolved = _resolve(opened, options)
        _write(resolved, options.output)
        tell_problems(opened.problems)
    if not resolved:
        say("No stores found, and no variables of the environment client are set.")
    return exits.OK if all(one.caller is not None for one in resolved) else exits.FOUND


def _resolve(opened: Opened, options: Options) -> list[wiring.Resolved]:
    session, identify = opened.session, opened.cloud.identify
    assert identify is not None  # only fixtures have none
    chosen = session.select(
        options.names, namespace=options.namespace, all_namespaces=opened.is_everywhere(options), selector=options.selector
    )
    namespaces = () if options.all_namespaces else (options.namespace or session.namespace,)
    scope = wiring.ClientScope(namespaces, opened.manifests, only_used=bool(options.names or options.selector))
    shown = wiring.shown_clients(session, chosen, scope)
    return wiring.identify_all(wiring.patient(identify, session.world), shown, options.concurrency)


def _write(resolved: Sequence[wiring.Resolved], form: str) -> None:
    if form == "table":
        if resolved:
            write_table(sys.stdout, HEADER, [_row(one) for one in resolved])
        for one in resolved:
            if one.error is not None and one.error.hint:
                say(f"hint: {one.client.label}: {one.error.hint}")
        return
    write_object(sys.stdout, envelope("WhoAmI", items=[_item(one) for one in resolved]), form)


def _row(one: wiring.Resolved) -> list[str]:
    client = one.client
    who = one.caller.arn if one.caller else str(one.error)
    account = one.caller.account if one.caller else ""
    return identity_row(client.label, client.service, client.identity, client.used_by, who, account)


def _item(one: wiring.Resolved) -> dict[str, Any]:
    client, caller = one.client, one.caller
    return identity_item(
        client.name,
        client.store,
        client.service,
        client.identity,
        client.used_by,
        caller=(caller.account, caller.arn, caller.kind) if caller else None,
        error=one.error,
    )
