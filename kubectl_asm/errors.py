"""The exception tree. Every error a user can meet descends from AsmError and carries its own hint.

    AsmError
    +-- UsageError            the command line or a setting cannot be used
    +-- InputError            a file or stdin cannot be read or does not parse (file:line:col)
    +-- ClusterError          the Kubernetes API answered with a failure
    |   +-- NotFoundError         404
    |   +-- ConflictError         409 on a version precondition
    |   +-- AlreadyExistsError    409 on a create
    |   +-- AccessError           401 or 403
    |   +-- RejectedError         400, 422: the API server refuses the object
    |   +-- UnavailableError      connection, time-out, 429, 5xx
    |   +-- LeaseLostError        not sent: another replica may work on the object by now
    +-- BackendError          a backend read failed (service answer or network); see model/backend.py for its classes
    +-- BugError              something this program believed impossible

Messages never hold secret values: they are built from names, codes and positions only.
"""

from __future__ import annotations


class AsmError(Exception):
    """Base of all errors shown to users: one sentence, and optionally what to do about it."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AsmError):
    """A flag, argument or setting cannot be used as given."""


class InputError(AsmError):
    """Input text that cannot be read. Line and column are 1-based; 0 means the whole file."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, column: int = 0, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


class ClusterError(AsmError):
    """The Kubernetes API answered with a failure. status is the HTTP status, 0 when none came back."""

    def __init__(
        self, message: str, *, status: int = 0, reason: str = "", hint: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


class NotFoundError(ClusterError):
    """The object does not exist (404)."""


class ConflictError(ClusterError):
    """The object changed since it was read (409 Conflict)."""


class AlreadyExistsError(ClusterError):
    """An object of that name exists already (409 AlreadyExists)."""


class AccessError(ClusterError):
    """The caller may not do that (401, 403)."""


class RejectedError(ClusterError):
    """The API server refuses the object as it is (400, 422)."""


class UnavailableError(ClusterError):
    """The API server cannot be reached or cannot answer now (connection, time-out, 429, 5xx)."""


class LeaseLostError(ClusterError):
    """A write was not sent, because this replica may not hold the Lease of its object any more."""


class BugError(AsmError):
    """Something this program believed impossible happened; please report it."""
