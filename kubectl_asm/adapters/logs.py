"""Log lines of a long-running process: one JSON object a line in a container, plain text on a terminal.

A record's message is constant and what varies is in its fields, so that lines can be counted and filtered. Fields come as
`extra={"fields": {...}}`. Exceptions are written as their type and places: their texts may hold anything.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

FORMS: Final = ("json", "text")
_PLACES: Final = 5
_LEVELS: Final = {"WARNING": "warn", "CRITICAL": "error"}


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": _level(record),
            "logger": _logger(record),
            "message": record.getMessage(),
        }
        line = {**line, **_fields(record), **line}  # in this order, and no field takes the place of these four
        line.update(_failure(record))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """Time, level, message, and the fields as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {**_fields(record), **_failure(record)}
        fields = "".join(f" {key}={_quoted(value)}" for key, value in told.items())
        return f"{_time(record)} {_level(record):5} {record.getMessage()}{fields}"


def start_logging(form: str, *, level: str = "info", stream: IO[str] | None = None) -> None:
    """Send the records of this program to a stream, stderr by default; other libraries only from warnings on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("kubectl_asm").setLevel(level.upper())


def fields(**values: object) -> dict[str, Mapping[str, object]]:
    """Return the extra of a log call."""
    return {"fields": {key: value for key, value in values.items() if value not in (None, "")}}


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    found = getattr(record, "fields", None)
    return found if isinstance(found, Mapping) else {}


def _failure(record: logging.LogRecord) -> Mapping[str, object]:
    """Return the type of the exception a record is about and the places it passed, innermost last; never its text."""
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    frames = traceback.extract_tb(record.exc_info[2])[-_PLACES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": record.exc_info[0].__name__, "places": ", ".join(places)}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(record: logging.LogRecord) -> str:
    return _LEVELS.get(record.levelname, record.levelname.lower())


def _logger(record: logging.LogRecord) -> str:
    return record.name.removeprefix("kubectl_asm.")


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(char in text for char in ' "=\n\t') else text
