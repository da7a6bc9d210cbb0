"""What an emulator is started with, and the world it runs in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml

from kubectl_asm.errors import InputError

DEFAULT_ACCOUNT: Final = "1000000000000001"
DEFAULT_KEY_ID: Final = "emulator"


def load_yaml(path: Path) -> Any:
    """Return the plain data of a YAML or JSON file; raises InputError. The command line passes one with Go's rules."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        # The library's own text quotes the lines around the mistake, and those hold values.
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise InputError("not valid YAML", file=str(path), line=line, column=column) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"cannot be read: {reason}", file=str(path)) from None


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """Settings of one emulator.

    fixtures, accounts, oidc_jwks: files, read again when they change; none: nothing stored, the default key, no check of
    OIDC tokens. host, port: where to listen, port 0 picks one; anything but loopback needs allow_remote. plain_http: no
    TLS (instance metadata answers plain HTTP in any case, as in production). ca_out, record, ready_file: files to write.
    region: what a host without a region counts as. latency_s: before every answer. rates: calls a second by service word
    (`kms`, `oos`, `sts`), above which a call is throttled. load: how files become plain data.
    """

    fixtures: Path | None = None
    accounts: Path | None = None
    oidc_jwks: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    allow_remote: bool = False
    plain_http: bool = False
    ca_out: Path | None = None
    record: Path | None = None
    ready_file: Path | None = None
    region: str = "cn-hangzhou"
    latency_s: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)
    load: Callable[[Path], Any] = load_yaml


@dataclass(frozen=True, slots=True)
class World:
    """Time and randomness of an emulator, injected like everywhere else.

    now: aware UTC instant. monotonic: seconds. wait: sleeps that many seconds, False when interrupted. token: random bytes.
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    wait: Callable[[float], bool]
    token: Callable[[int], bytes]
