"""Random texts, numbers and identifiers. All randomness comes from the Environment.

Called through the table in ``funcs/__init__.py``. Source: spec/templates.md sections 6.3 and 6.4.
"""

from __future__ import annotations

import base64
import string
import uuid
from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError, Purity
from kubectl_asm.gotemplate.values import runes, wrap

GROUP = "random"
_PRINTABLE: Final = "".join(map(chr, range(32, 127)))
_BYTES_PER_STEP: Final = 4


def _charge(env: Environment, count: int) -> None:
    env.budget.value(count)
    env.budget.step(count // _BYTES_PER_STEP + 1)


def _chooser(alphabet: str) -> Callable[[Environment, int], str]:
    """Return a function that gives so many characters of the alphabet, none for a negative count."""

    def choose(env: Environment, count: int) -> str:
        _charge(env, max(count, 0))
        return "".join(alphabet[env.random.below(len(alphabet))] for _ in range(count))

    return choose


def rand_bytes(env: Environment, count: int) -> str:
    """Return so many random bytes in base64. Raises: FunctionError for a negative count."""
    if count < 0:
        raise FunctionError("runtime error: makeslice: len out of range")
    _charge(env, count)
    return base64.b64encode(env.random.bytes(count)).decode()


def rand_int(env: Environment, low: int, high: int) -> int:
    """Return a random number from low to before high. Raises: FunctionError for an empty range."""
    span = wrap(high - low)
    if span <= 0:
        raise FunctionError("invalid argument to Intn")
    return wrap(env.random.below(span) + low)


def uuidv4(env: Environment) -> str:
    """Return a random UUID of version 4."""
    return str(uuid.UUID(bytes=env.random.bytes(16), version=4))


def shuffle(env: Environment, text: str) -> str:
    """Return the characters of the text in random order."""
    chars = list(runes(text))
    _charge(env, len(chars))
    for end in range(len(chars) - 1, 0, -1):
        other = env.random.below(end + 1)
        chars[end], chars[other] = chars[other], chars[end]
    return "".join(chars)


def _row(name: str, call: Callable[..., object], params: tuple[str, ...], summary: str, result: str = "string") -> Function:
    return Function(name, GROUP, call, params, result, needs_env=True, purity=Purity.RANDOM, summary=summary)


FUNCTIONS: tuple[Function, ...] = (
    _row("randAlpha", _chooser(string.ascii_letters), ("int",), "So many random ASCII letters."),
    _row("randAlphaNum", _chooser(string.ascii_letters + string.digits), ("int",), "So many random ASCII letters and digits."),
    _row("randAscii", _chooser(_PRINTABLE), ("int",), "So many random printable ASCII characters."),
    _row("randBytes", rand_bytes, ("int",), "So many random bytes in base64."),
    _row("randInt", rand_int, ("int", "int"), "Random number from a minimum to before a maximum.", "int"),
    _row("randNumeric", _chooser(string.digits), ("int",), "So many random decimal digits."),
    _row("shuffle", shuffle, ("string",), "Characters of a text in random order."),
    _row("uuidv4", uuidv4, (), "Random UUID of version 4."),
)
