"""kubectl asm emulator: a local cloud."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from kubectl_asm.cli import exits
from kubectl_asm.cli.session import options_of, say
from kubectl_asm.errors import UsageError

EPILOG = """\b
Examples:
  kubectl asm emulator --fixtures fixtures.yaml --ready-file /tmp/cloud.json &
  ACCESS_KEY_ID=emulator SECRET_ACCESS_KEY=emulator \\
    kubectl asm sync -n shop --region cn-hangzhou --cloud-emulator /tmp/cloud.json
"""


@click.command("emulator", epilog=EPILOG)
@click.option("--fixtures", default="", metavar="FILE", help="Values to serve; read again when the file changes.")
@click.option(
    "--accounts",
    default="",
    metavar="FILE",
    help="Access keys, roles and policies; default: key and secret 'emulator', everything allowed.",
)
@click.option("--oidc-jwks", default="", metavar="FILE", help="Keys that ServiceAccount tokens are verified with.")
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Address; port 0 picks a free one.")
@click.option("--plain-http", is_flag=True, help="No TLS.")
@click.option("--ca-out", default="", metavar="FILE", help="Write the emulator's CA certificate here.")
@click.option("--record", default="", metavar="FILE", help="Write one JSON line a call: service, action, key, principal, status.")
@click.option("--ready-file", default="", metavar="FILE", help="Write the bound addresses here when calls are accepted.")
def command(**values: Any) -> int:
    """Serve KMS, OOS, STS and instance metadata on one port, with verified signatures. Ends on SIGINT or SIGTERM."""
    from kubectl_asm import wiring
    from kubectl_asm.emulator.options import EmulatorOptions
    from kubectl_asm.emulator.server import Emulator, serve

    options = options_of(values)
    host, port = _address(options.listen)
    chosen = EmulatorOptions(
        fixtures=_path(options.fixtures),
        accounts=_path(options.accounts),
        oidc_jwks=_path(options.oidc_jwks),
        host=host,
        port=port,
        plain_http=options.plain_http,
        ca_out=_path(options.ca_out),
        record=_path(options.record),
        ready_file=_path(options.ready_file),
        load=wiring.load_plain,
    )
    world = wiring.World()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: world.clock.request_shutdown())

    def started(emulator: Emulator) -> None:
        ready = emulator.ready()
        say(
            f"emulator listens on {ready['scheme']}://{ready['address']}" + (f", CA {ready['caFile']}" if ready["caFile"] else "")
        )

    serve(chosen, wiring.emulator_world(world), started, lambda: not world.clock.wait(1.0))
    return exits.OK


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError(f'--listen "{text}" is not HOST:PORT', hint="for example 127.0.0.1:8443 or 127.0.0.1:0")
    return host.strip("[]"), int(port)
