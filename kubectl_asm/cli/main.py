"""The command group. Commands are named in a table and loaded when they are called; --help and --version load none."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

import click

from kubectl_asm import __version__
from kubectl_asm.cli import exits, verbosity

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "validate": ("validate", "Check manifests and report problems with file, line and column."),
    "rules": ("rules", "List the rules of validate, or read one."),
    "render": ("render", "Produce the Secrets offline, from manifests and fixture values."),
    "explain": ("explain", "Say which endpoint, credentials, store, gates and keys every entry ends up with."),
    "diff": ("diff", "Compare what would be written with what is there, without showing values."),
    "sync": ("sync", "Run one reconciliation pass against a cluster or a folder."),
    "serve": ("serve", "Run the controller."),
    "status": ("status", "Show what is synced, stale or failing, and why."),
    "check": ("check", "Look at cluster, permissions, hosts, clock and credentials before work begins."),
    "whoami": ("whoami", "Ask STS as whom every store reads."),
    "release": ("release", "Let objects go and keep their Secrets, before an uninstall."),
    "emulator": ("emulator", "Serve a local KMS, OOS, STS and instance metadata."),
    "template": ("template", "Render one Go template alone, or list the functions."),
    "manifests": ("manifests", "Print what a controller needs in a cluster: definitions, rights, Deployment."),
    "config": ("config", "Show the effective settings and where each comes from."),
    "version": ("version", "Print versions."),
    "completion": ("completion", "Print a completion script for a shell."),
}

EPILOG: Final = """\b
Examples:
  kubectl asm render -f manifests/ --backend fixtures.yaml
  kubectl asm diff -n shop
  kubectl asm sync -n shop --dry-run=client
  kubectl asm explain -f manifests/ --region cn-hangzhou
"""


class LazyGroup(click.Group):
    """Knows its commands by table; imports a command's module only to run it or to show its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Import and return a command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"kubectl_asm.cli.{entry[0]}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an unknown name gets the nearest one as a hint."""
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise click.UsageError(f'unknown command "{args[0]}".{hint}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """Write the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="kubectl-asm", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="On failure print where it happened (files and lines, never values).")
@click.option("-v", "--v", "verbosity", metavar="LEVEL", help="From 6 on: one line a request on stderr, without any content.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour on stdout and stderr.")
def group(**_options: Any) -> None:
    """See, check and run Alibaba Cloud ack-secret-manager resources: in a pull request, on a laptop, in a cluster."""


def main(argv: Sequence[str]) -> int:
    """Run the command line of argv (program first) and return the exit code."""
    arguments = list(argv[1:])
    debug = "--debug" in arguments
    program = program_name(argv[0])
    return exits.guarded(lambda: _invoke(arguments, program), debug=debug)


def _invoke(arguments: list[str], program: str) -> int:
    arguments, level = verbosity.hoisted(arguments)
    verbosity.listen(level)
    arguments, colour = _hoisted(arguments)
    result = group.main(arguments, prog_name=program, standalone_mode=False, color=colour)
    return result if isinstance(result, int) else exits.OK


def _hoisted(arguments: list[str]) -> tuple[list[str], bool | None]:
    """Let --debug and --color stand anywhere, as kubectl's global flags do. Returns the rest and the colour choice."""
    rest = [argument for argument in arguments if argument != "--debug"]
    colour: bool | None = None
    for word, value in (("--color=always", True), ("--color=never", False), ("--color=auto", None)):
        if word in rest:
            rest = [argument for argument in rest if argument != word]
            colour = value
    return rest, colour


def program_name(path: str) -> str:
    """Return how help and errors name this program: kubectl asm when it runs as a plugin."""
    name = PurePath(path).name
    if name.startswith("kubectl-"):
        return "kubectl " + name.removeprefix("kubectl-").removesuffix(".exe").replace("_", "-")
    return "kubectl asm" if name == "__main__.py" else name
