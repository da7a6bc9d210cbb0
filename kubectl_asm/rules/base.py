"""What a rule is, what it sees and what it says. Rules are pure: they yield paths, the runner finds the places.

A rule is one file with a docstring (code, why, a bad and a good snippet, source), one META and one function ``check``.
Called by runner.py; imports the engine, never the other way round.
Source: spec/lint.md.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from kubectl_asm.diagnostics import Change, Severity
from kubectl_asm.manifest.documents import Path

if TYPE_CHECKING:
    from kubectl_asm.rules.context import RuleContext
    from kubectl_asm.rules.subjects import Subject

EXTERNAL_SECRET: Final = "ExternalSecret"  # noqa: S105  # the name of a kind
SECRET_STORE: Final = "SecretStore"  # noqa: S105  # the name of a kind
CLUSTER_STORE: Final = "ClusterSecretStore"
CLUSTER_EXTERNAL: Final = "ClusterExternalSecret"
STORES: Final = (SECRET_STORE, CLUSTER_STORE)
TARGETS: Final = (EXTERNAL_SECRET, CLUSTER_EXTERNAL)
OWN: Final = (*TARGETS, *STORES)

MAX_QUOTED: Final = 64


class Place(enum.Enum):
    """Which part of a member a hit is about."""

    VALUE = "value"
    KEY = "key"


class RuleMeta(msgspec.Struct, frozen=True):
    """The identity of a rule. Codes are never reused; severity is that of hits that name none.

    topics: words of the lint specification; kinds: objects the rule is asked about, empty for files.
    """

    code: str
    name: str
    severity: Severity
    topics: tuple[str, ...] = ()
    kinds: tuple[str, ...] = OWN


class Hit(msgspec.Struct, frozen=True):
    """One thing a rule found, by path in the object.

    offset, length: characters inside the decoded text at path. subject: another object of the input the place lies in.
    follows: paths whose refusal already explains this hit; the path itself always counts. change: the one right answer, by
    path in the object the place lies in, where there is exactly one.
    """

    path: Path
    message: str
    hint: str = ""
    place: Place = Place.VALUE
    offset: int | None = None
    length: int = 0
    severity: Severity | None = None
    subject: Subject | None = None
    follows: tuple[Path, ...] = msgspec.field(default=())
    change: Change | None = None


Check = Callable[["Subject", "RuleContext"], Iterator[Hit]]


class Rule(msgspec.Struct, frozen=True):
    """A rule as the registry lists it. doc: the docstring of its file."""

    meta: RuleMeta
    check: Check
    doc: str


def quoted(text: object) -> str:
    """Return a text as messages show it: in quotation marks, cut after 64 characters, without line breaks."""
    shown = str(text)
    shown = shown if len(shown) <= MAX_QUOTED else shown[:MAX_QUOTED] + "…"
    return '"' + shown.replace("\n", "\\n").replace("\r", "\\r") + '"'


def key_hit(path: Path, message: str, hint: str = "", severity: Severity | None = None, change: Change | None = None) -> Hit:
    """Return a hit whose place is the key at path."""
    return Hit(path, message, hint, Place.KEY, severity=severity, change=change)
