"""The project's own functions. They never fail: bad input gives an empty or the original value.

``bcrypt`` and ``htpasswd`` win over the library functions of the same names. Called through the table in ``funcs/__init__.py``.
Source: spec/templates.md sections 6.1 and 6.2.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate import gojson
from kubectl_asm.gotemplate.funcs.coercion import parse_plain_int
from kubectl_asm.gotemplate.funcs.encoding import EncodedTextError, decode_base64
from kubectl_asm.gotemplate.funcs.regex import replace_all
from kubectl_asm.gotemplate.funcs.signature import Environment, Function, Purity
from kubectl_asm.gotemplate.funcs.strings import split_bytes, trim
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.gotemplate.values import ANY, GoList, GoMap, raw, strings, text_of

GROUP = "custom"
_MEMBERS: Final = "spec/templates.md 6.1"
_README: Final = "spec/templates.md 6.2"

# --- passwords --------------------------------------------------------------------------------------------

DEFAULT_COST: Final = 10
MIN_COST: Final = 4
MAX_COST: Final = 31
MAX_PASSWORD_BYTES: Final = 72
STEPS_PER_ROUND: Final = 8
"""Budget steps for one of the 2**cost rounds: a default budget allows some 240 hashes of cost 10 or one of cost 17."""

_STANDARD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BCRYPT: Final = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_BCRYPT: Final = bytes.maketrans(_STANDARD, _BCRYPT)


def bcrypt(env: Environment, password: str, *cost: int) -> str:
    """Return the ``$2a$`` hash; a cost below 4 counts as 10. Empty for a cost above 31 or more than 72 bytes of password."""
    import bcrypt as library  # noqa: PLC0415 - reading a template needs none of it

    rounds = cost[0] if cost and cost[0] >= MIN_COST else DEFAULT_COST
    secret = raw(password)
    if rounds > MAX_COST or len(secret) > MAX_PASSWORD_BYTES:
        return ""
    env.budget.step(STEPS_PER_ROUND << rounds)
    salt = base64.b64encode(env.random.bytes(16)).rstrip(b"=").translate(_TO_BCRYPT)
    return library.hashpw(secret, b"$2a$%02d$%s" % (rounds, salt)).decode()


def htpasswd(env: Environment, user: str, password: str) -> str:
    """Return a line ``user:hash`` with its newline; empty when the password cannot be hashed."""
    hashed = bcrypt(env, password)
    return f"{user}:{hashed}\n" if hashed else ""


# --- JSON -------------------------------------------------------------------------------------------------


def _step(value: object, step: str) -> tuple[bool, object]:
    """Return whether value has the member or index, and what it is."""
    if isinstance(value, GoMap):
        return step in value, value.get(step)
    if isinstance(value, GoList):
        index, wrong = parse_plain_int(step)
        if not wrong and 0 <= index < len(value):
            return True, value[index]
    return False, None


def json_path(text: str, path: str) -> object:
    """Return the value that the dot-separated members and indexes lead to, an empty text when there is none.

    An empty path gives the whole document. Keys that hold a dot cannot be reached.
    """
    try:
        value = gojson.loads(text)
    except gojson.JSONError:
        return ""
    for step in path.split(".") if path else ():
        found, value = _step(value, step)
        if not found:
            return ""
    return value


def _json_object(text: str) -> GoMap | None:
    """Return the object of a JSON text, an empty one for null, None for anything else."""
    try:
        value = gojson.loads(text)
    except gojson.JSONError:
        return None
    if value is None:
        return GoMap()
    return value if isinstance(value, GoMap) else None


def _override(base: GoMap, override: GoMap) -> None:
    """Merge override into base: objects merge, everything else of override replaces what base has."""
    pending = [(base, override)]
    while pending:
        target, source = pending.pop()
        for key, new in source.items():
            old = target.get(key)
            if isinstance(old, GoMap) and isinstance(new, GoMap):
                pending.append((old, new))
            else:
                target[key] = new


def merge_json(base: str, override: str) -> str:
    """Return base with override merged in, as compact JSON; base unchanged when either is no JSON object."""
    target, source = _json_object(base), _json_object(override)
    if target is None or source is None:
        return base
    _override(target, source)
    try:
        return gojson.dumps(target)
    except gojson.JSONError:
        return base


# --- lines ------------------------------------------------------------------------------------------------


def parse_key_value(env: Environment, text: str) -> GoMap:
    """Return the ``KEY=value`` lines as a map of texts; blank lines, ``#`` lines and lines without ``=`` are ignored."""
    result = GoMap((), "string")
    for line in map(trim, split_bytes(env, "\n", text)):
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            result[trim(key)] = trim(value)
    return result


def to_lines(env: Environment, text: str) -> GoList:
    """Return the lines of the trimmed text; an empty text has none, a blank one a single empty line."""
    return strings(split_bytes(env, "\n", trim(text)) if text else [])


# --- texts ------------------------------------------------------------------------------------------------


def regex_replace(env: Environment, text: str, pattern: str, replacement: str) -> str:
    """Return the text with every match replaced, groups expanded; the text unchanged for a bad pattern."""
    try:
        regex = compile_regex(pattern)
    except RegexError:
        return text
    return replace_all(env, regex, text, replacement)


def b64dec_safe(text: str) -> str:
    """Return the decoded text, empty for bad input."""
    try:
        return text_of(decode_base64(text))
    except EncodedTextError:
        return ""


def _row(name: str, call: Callable[..., object], params: tuple[str, ...], summary: str, result: str = "string") -> Function:
    return Function(name, GROUP, call, params, result, summary=summary, source=_MEMBERS)


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "b64decSafe",
        GROUP,
        b64dec_safe,
        ("string",),
        status="differs",
        source=_README,
        summary="Base64 decoded, empty for bad input; documented but undefined upstream.",
    ),
    Function(
        "bcrypt",
        GROUP,
        bcrypt,
        ("string", "int"),
        variadic=True,
        needs_env=True,
        purity=Purity.RANDOM,
        source=_MEMBERS,
        summary="Bcrypt hash, optionally with a cost; new salt each time.",
    ),
    Function(
        "htpasswd",
        GROUP,
        htpasswd,
        ("string", "string"),
        needs_env=True,
        purity=Purity.RANDOM,
        source=_MEMBERS,
        summary="Line of an htpasswd file with its newline.",
    ),
    _row("jsonPath", json_path, ("string", "string"), "Value inside a JSON text, empty when absent.", ANY),
    _row("mergeJson", merge_json, ("string", "string"), "Two JSON objects merged deeply, the second wins."),
    Function(
        "parseKeyValue",
        GROUP,
        parse_key_value,
        ("string",),
        "map[string]string",
        needs_env=True,
        source=_MEMBERS,
        summary="Lines KEY=value as a map of texts.",
    ),
    Function(
        "regexReplace",
        GROUP,
        regex_replace,
        ("string", "string", "string"),
        needs_env=True,
        status="differs",
        source=_README,
        summary="Every match in a text replaced; documented but undefined upstream.",
    ),
    Function(
        "toLines", GROUP, to_lines, ("string",), "[]string", needs_env=True, source=_MEMBERS, summary="Lines of a trimmed text."
    ),
)
