"""Files that are read again when they change, and the line-by-line record of calls."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from kubectl_asm.errors import AsmError

T = TypeVar("T")


class Reloaded(Generic[T]):
    """The decoded content of a file, as new as the file. A change that cannot be read keeps the former content.

    read: decodes the file, raising whatever it raises. report: told of a failed reload, once a change. quotable: errors,
    besides our own, whose texts hold no value.
    """

    def __init__(
        self, path: Path, read: Callable[[Path], T], report: Callable[[str], None], quotable: tuple[type[Exception], ...] = ()
    ) -> None:
        self._quotable: tuple[type[Exception], ...] = (AsmError, *quotable)
        self._path = path
        self._read = read
        self._report = report
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._value = read(path)

    def get(self) -> T:
        """Return the present content."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return self._value
        with self._lock:
            if stamp != self._stamp:
                self._reload()
                self._stamp = stamp  # last: whoever sees the new stamp without the lock must find the new content
            return self._value

    def _reload(self) -> None:
        try:
            self._value = self._read(self._path)
        except Exception as error:  # noqa: BLE001  # whatever a loader raises: the former content stays, and it is said
            # Only errors of ours are known to quote no value of the file.
            reason = str(error) if isinstance(error, self._quotable) else type(error).__name__
            self._report(f"{self._path}: kept the former content: {reason}")


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, without any value. key: the names asked for, joined by a comma. params: those that name things."""

    service: str
    action: str
    key: str
    principal: str
    status: int
    code: str = ""
    host: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


# Names only: a token, a policy or a signature is never written down.
RECORDED_PARAMS = frozenset(
    {
        "SecretName", "VersionId", "VersionStage", "SecretsList", "Name", "Names", "Path", "WithDecryption", "ParameterVersion",
        "RoleArn", "RoleSessionName", "DurationSeconds", "OIDCProviderArn", "role",
    }
)  # fmt: skip


class Ledger:
    """The calls so far, newest last, at most limit of them; each is also a line of the record file if there is one."""

    def __init__(self, path: Path | None = None, *, limit: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._calls: deque[CallRecord] = deque(maxlen=limit)
        self._file = path.open("a", encoding="utf-8") if path else None

    def add(self, record: CallRecord) -> None:
        """Record one call."""
        line = json.dumps(_document(record), ensure_ascii=True)
        with self._lock:
            self._calls.append(record)
            if self._file and not self._file.closed:
                self._file.write(line + "\n")
                self._file.flush()

    def calls(self) -> tuple[CallRecord, ...]:
        """Return the calls so far."""
        with self._lock:
            return tuple(self._calls)

    def clear(self) -> None:
        """Forget the calls so far; the record file keeps them."""
        with self._lock:
            self._calls.clear()

    def close(self) -> None:
        """Close the record file."""
        with self._lock:
            if self._file:
                self._file.close()


def _document(record: CallRecord) -> dict[str, Any]:
    document = {name: getattr(record, name) for name in ("service", "action", "key", "principal", "status", "code", "host")}
    return {**document, "params": dict(record.params)}
