"""One option per controller setting, with upstream's names, and the files that give settings.

Only click and the table of settings are imported: every command carries these options.
Source: spec/cli.md 1, spec/controller.md 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.settings_fields import Kind, SettingField, all_fields, format_value
from kubectl_asm.model.settings import ONE_SHOT, Settings

F = TypeVar("F", bound=Callable[..., Any])

CONFIG_NAME: Final = ".asm.yaml"
_PREFIX: Final = "setting_"
_METAVARS: Final[Mapping[Kind, str]] = {
    Kind.TEXT: "TEXT",
    Kind.IDENTIFIER: "ID",
    Kind.COUNT: "NUMBER",
    Kind.DURATION: "DURATION",
    Kind.NAMESPACES: "NS,...",
}


class GoBoolOption(click.Option):
    """A boolean in Go's form: bare for true, otherwise with an equals sign; it never takes the next word as its value."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser see the bare form as `=true`."""
        super().add_to_parser(parser, ctx)
        parse = parser.parse_args
        parser.parse_args = lambda args: parse(self._explicit(args))

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Write the value right behind the name, where it has to stand."""
        record = super().get_help_record(ctx)
        return record and (record[0].replace(" [=", "[="), record[1])

    def _explicit(self, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        return [*(f"{word}=true" if word in self.opts else word for word in args[:end]), *args[end:]]


def controller_options(function: F) -> F:
    """Every setting as an option, and where else settings come from. Options that are not given are None."""
    for option in reversed([*_source_options(), *map(_setting_option, all_fields())]):
        function = option(function)
    return function


def _source_options() -> list[Callable[[F], F]]:
    return [
        click.option("--config", "config_file", metavar="FILE", help=f"Settings file; default: the nearest {CONFIG_NAME}."),
        click.option("--helm-values", metavar="FILE", help="Values of an ack-secret-manager release give the settings."),
        click.option("--from-deployment", metavar="NS/NAME", help="Flags of a running controller give the settings."),
    ]


def _setting_option(one: SettingField) -> Callable[[F], F]:
    return click.option(
        f"--{one.flag}",
        f"{_PREFIX}{one.name}",
        cls=GoBoolOption if one.kind is Kind.BOOL else click.Option,
        metavar=_metavar(one),
        help=_help(one),
        hidden=one.hidden,
    )


def _metavar(one: SettingField) -> str:
    if one.kind is Kind.BOOL:
        return "[=true|false]"
    return "|".join(filter(None, one.choices)) if one.kind is Kind.CHOICE else _METAVARS[one.kind]


def _help(one: SettingField) -> str:
    default = format_value(getattr(Settings(), one.name, ""))
    if one.name in ONE_SHOT:
        default = f"{format_value(ONE_SHOT[one.name])}, in serve {default}"
    return f"{one.help} [default: {default}]" if default else one.help


def setting_flags(values: Mapping[str, Any]) -> dict[str, object]:
    """Return what the command line gives, by field name, from the keyword arguments of a command. Texts as written."""
    given = {name.removeprefix(_PREFIX): value for name, value in values.items() if name.startswith(_PREFIX)}
    return {name: value for name, value in given.items() if value is not None}


def config_path(values: Mapping[str, Any], *, start: Path | None = None) -> Path | None:
    """Return the settings file to read: the one of --config, else the nearest one. Raises InputError when --config is absent.

    start: folder to look from, the working directory by default.
    """
    named = values.get("config_file")
    if not named:
        return find_config(start or Path())
    if not Path(named).is_file():
        raise InputError("--config names no file", file=named)
    return Path(named)


def find_config(start: Path) -> Path | None:
    """Return the nearest `.asm.yaml` from a folder up to its repository's root; outside a repository only in the folder."""
    folder = start.resolve()
    parents = [folder, *folder.parents]
    root = next((position for position, parent in enumerate(parents) if (parent / ".git").exists()), 0)
    found = next((position for position in range(root + 1) if (parents[position] / CONFIG_NAME).is_file()), None)
    if found is None:
        return None
    return start.joinpath(*[".."] * found, CONFIG_NAME)
