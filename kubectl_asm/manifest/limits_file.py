"""The file of --limits-file: rates that may be changed while the controller runs.

One YAML mapping; a missing key keeps the value of the flags. A file that cannot be read or says something unknown changes
nothing: the caller reports the error and goes on with what it has.
Source: docs/serve/limits.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import Document, Path, SourceText
from kubectl_asm.manifest.settings_files import only_document


@dataclass(frozen=True, slots=True)
class Limits:
    """Rates a second; 0 is no limit.

    kms_rounds, oos_rounds: rounds of ExternalSecrets, the provider's bucket; attempts: cloud calls of one account and
    service, retries included; api_requests, api_burst: requests to the API server.
    """

    kms_rounds: float
    oos_rounds: float
    attempts: float
    api_requests: float
    api_burst: float


KEYS: Final[Mapping[str, str]] = {
    "maxConcurrentKmsSecretPulls": "kms_rounds",
    "maxConcurrentOosSecretPulls": "oos_rounds",
    "cloudCallsPerSecond": "attempts",
    "kubeApiQps": "api_requests",
    "kubeApiBurst": "api_burst",
}
_HIGHEST: Final = 1_000_000


def read_limits(source: SourceText, default: Limits) -> Limits:
    """Return the limits of a file over the given ones. Raises InputError with the place of what is wrong."""
    document = only_document(source)
    if document is None:
        return default
    if not isinstance(document.value, Mapping):
        raise _problem(document, (), "is not a mapping of limits")
    changes = {}
    for key, value in document.value.items():
        if key not in KEYS:
            raise _problem(document, (key,), f'"{key}" is no limit', f"known: {', '.join(KEYS)}", is_key=True)
        changes[KEYS[key]] = _number(document, key, value)
    return replace(default, **changes)


def _number(document: Document, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _HIGHEST:
        raise _problem(document, (key,), f"{key} has to be a number from 0 (no limit) to {_HIGHEST}")
    return float(value)


def _problem(document: Document, path: Path, message: str, hint: str | None = None, *, is_key: bool = False) -> InputError:
    span = document.span(path, key=is_key)
    return InputError(message, file=span.file, line=span.line, column=span.column, hint=hint)
