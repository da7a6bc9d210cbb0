"""What to do about a mistake: one sentence for each kind of error that people make often.

Called where errors are made (``parser.py``, ``machine.py``) and by ``scan.py``. Source: spec/templates.md sections 2.1 and 3.1.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Final

from kubectl_asm.gotemplate.values import GoMap

REFUSED: Final[Mapping[str, str]] = {
    "env": "it would read the controller's environment",
    "expandenv": "it would read the controller's environment",
    "getHostByName": "it would ask the controller's DNS",
}
"""Functions of Sprig that do not exist here on purpose, and why."""


def suggestion(word: str, known: Collection[str]) -> str:
    """Return ``did you mean "x"?`` for the closest known word, "" when none is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def function_hint(name: str, functions: Collection[str]) -> str:
    """Return what to do about a function that does not exist."""
    if name in REFUSED:
        return f"{name} is not available here: {REFUSED[name]}"
    return suggestion(name, functions)


def name_hint(text: str, pos: int, message: str) -> str:
    """Return the remedy when the scanner's message is about a name, at that offset, with a character that names may not hold."""
    if not message.startswith("bad character"):
        return ""
    begin, end = pos, pos
    while end < len(text) and (text[end].isalnum() or text[end] in "_-."):
        end += 1
    name = text[begin:end].strip(".")
    return f'write index . "{name}"' if text[begin : begin + 1] == "." and name else ""


def hint_for(text: str, dot: object) -> str:
    """Return what to do about a common mistake, "" when nothing fits."""
    if "expected int; got int64" in text or "expected int; got float64" in text:
        return "wrap the value in int, as in (int $x)"
    if text.startswith("can't evaluate field"):
        return "a value is a text: read documents with fromJson, jsonPath or parseKeyValue first"
    if text.startswith("invalid value; expected"):
        known = ", ".join(sorted(dot)[:10]) if isinstance(dot, GoMap) else ""
        return "the value is missing" + (f"; keys present: {known}" if known else "")
    return ""
