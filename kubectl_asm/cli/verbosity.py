"""-v as kubectl has it: from level 6 on one line a request on stderr; method, address, status and duration, nothing else.

No level shows headers, bodies, queries or parameters: they hold tokens, signatures and values. `serve` has --log-level instead.
Source: spec/cli.md 1.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Final

REQUESTS: Final = 6
_WITH_LEVEL = re.compile(r"(?:-v=?|--v=)([0-9]{1,2})")
_OWN: Final = frozenset({"serve"})


def hoisted(arguments: list[str]) -> tuple[list[str], int]:
    """Return the arguments without -v, and its level; 0 without one. It may stand anywhere before `--`."""
    if any(word in _OWN for word in arguments[:2]):
        return arguments, 0
    rest: list[str] = []
    level = 0
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in ("-v", "--v"):
            level = _level(next(words, ""))
        elif match := _WITH_LEVEL.fullmatch(word):
            level = int(match[1])
        else:
            rest.append(word)
    return rest, level


def _level(word: str) -> int:
    from click import UsageError

    if not (word.isascii() and word.isdigit() and len(word) <= 2):
        raise UsageError("-v needs a level, such as -v=6")
    return int(word)


def listen(level: int) -> None:
    """Show what this program logs about requests, from level 6 on. Loggers of libraries stay as they are."""
    if level < REQUESTS:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("kubectl_asm.requests")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
