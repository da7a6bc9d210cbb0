"""Compare the template engine with recorded answers of Go's: one JSON line a case.

A case has ``id``, ``area``, ``tmpl``, ``data``, optionally ``dataBytes`` (base64) and ``profile``, and one of ``out``,
``outBase64``, ``error`` (stage and Go's full text) and ``outRegex``. Output must agree in every byte; of an error the
stage and the position must, its text is only reported. Run as ``python -m tests.harness parity FILE...``.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubectl_asm.gotemplate import Budget, Environment, Limits, TemplateError, TemplateSyntaxError, parse
from kubectl_asm.gotemplate.values import runes

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
"""The instant at which cases run; recorded answers do not depend on it."""


class Result(NamedTuple):
    """One case: its id, whether the gate is passed, and what differs (also a text that only differs from Go's)."""

    name: str
    passed: bool
    detail: str = ""


class SeededRandom:
    """Repeatable randomness, a chain of hashes: cases only check the shape of random output."""

    def __init__(self, seed: int = 0) -> None:
        self._state = seed.to_bytes(8, "big")

    def bytes(self, count: int, /) -> bytes:
        out = bytearray()
        while len(out) < count:
            self._state = hashlib.sha256(self._state).digest()
            out += self._state
        return bytes(out[:count])

    def below(self, limit: int, /) -> int:
        return int.from_bytes(self.bytes(16), "big") % limit


def zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def environment(limits: Limits | None = None) -> Environment:
    """Return what a case may know besides its data."""
    return Environment(now=NOW, random=SeededRandom(), zone=zone, budget=Budget(limits))


class Answer(NamedTuple):
    """What the engine gave: output, or the stage and text of an error (invalid bytes as U+FFFD, as in the recordings)."""

    out: bytes = b""
    stage: str = ""
    text: str = ""


def answer(case: Mapping[str, Any]) -> Answer:
    """Run one case."""
    data: dict[str, object] = copy.deepcopy(case.get("data") or {})
    data.update({key: base64.b64decode(text) for key, text in case.get("dataBytes", {}).items()})
    try:
        template = parse(case["tmpl"], profile=case.get("profile", "seed"))
        return Answer(out=template.execute(data, environment()))
    except TemplateSyntaxError as error:
        return Answer(stage="parse", text=runes(error.go_text))
    except TemplateError as error:
        return Answer(stage="exec", text=runes(error.go_text))


_PLACES = {"parse": re.compile(r"template: [^:]*:\d+:"), "exec": re.compile(r"template: [^:]*:\d+:\d+:")}


def check(case: Mapping[str, Any]) -> Result:
    """Run one case and compare."""
    got = answer(case)
    if "error" in case:
        return _check_error(case, got)
    if got.stage:
        return Result(case["id"], False, f"unexpected {got.stage} error: {got.text}")
    if "outRegex" in case:
        matches = re.fullmatch(case["outRegex"], got.out.decode("utf-8", "surrogateescape"), re.ASCII) is not None
        return Result(case["id"], matches, "" if matches else f"{got.out!r} does not match {case['outRegex']!r}")
    want = base64.b64decode(case["outBase64"]) if "outBase64" in case else case["out"].encode()
    return Result(case["id"], got.out == want, "" if got.out == want else f"got {got.out!r}, want {want!r}")


def _check_error(case: Mapping[str, Any], got: Answer) -> Result:
    stage, text = case["error"]["stage"], case["error"]["text"]
    if got.stage != stage:
        return Result(case["id"], False, f"got {got.text or got.out!r}, want {stage} error: {text}")
    want_place, got_place = _PLACES[stage].match(text), _PLACES[stage].match(got.text)
    same_place = want_place is None or (got_place is not None and got_place[0] == want_place[0])
    return Result(case["id"], same_place, "" if got.text == text else f"got {got.text}, want {text}")


def cases(paths: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the cases of files and of the ``*.jsonl`` files in folders. Every number is a float, as in the recorded runs."""
    for path in map(Path, paths):
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            for line in file.read_text(encoding="utf-8").split("\n"):
                if line.strip() and "tmpl" in (case := json.loads(line, parse_int=float)):
                    yield case


def run_parity(paths: list[str], *, select: str | None = None, fail_fast: bool = False) -> list[Result]:
    """Run the cases of all paths. select: a part of the id or area; fail_fast: stop at the first that fails."""
    results = []
    for case in cases(paths):
        if select and select not in case["id"] and select not in case["area"]:
            continue
        results.append(check(case))
        if fail_fast and not results[-1].passed:
            break
    return results
