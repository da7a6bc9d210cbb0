"""Vendor errors to ours, in one place: only code, HTTP status, request id and delay are taken over.

The SDK's messages hold bodies, URLs, canonical requests and tokens; its exceptions keep the signed request. None of
that leaves this module: callers raise the returned error outside the except block, so that nothing hangs on as context.
Source: spec/cloud-apis.md 1.6, 2.3, 6.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from kubectl_asm.adapters.cloud.network import TransportError, causes
from kubectl_asm.model.backend import BackendError, ErrorClass
from kubectl_asm.model.denial import Denial, decode_denial
from kubectl_asm.model.sensitive import SecretBytes

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,127}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9\-]{8,64}", re.ASCII)

NOT_FOUND_CODE: Final = "Forbidden.ResourceNotFound"
PARAMETER_NOT_FOUND_CODE: Final = "EntityNotExists.Parameter"

_NO_BATCH_CODES: Final = frozenset({"InvalidApi.NotFound", "InvalidAction.NotFound", "UnsupportedOperation"})
_HINTS: Final = {
    NOT_FOUND_CODE: "check the name, the region and the version or stage",
    PARAMETER_NOT_FOUND_CODE: "check the parameter's name and the region",
    "Forbidden.NoPermission": "the identity needs kms:GetSecretValue on the secret and kms:Decrypt on its key",
    "NoPermission": "the identity lacks a RAM permission, or the role's trust policy does not name it",
    "InvalidAccessKeyId.NotFound": "the AccessKey id does not exist",
    "InvalidAccessKeyId.Inactive": "the AccessKey is disabled",
    "Forbidden.AccessKey": "the AccessKey is disabled",
    "SignatureDoesNotMatch": "the AccessKey secret does not belong to the AccessKey id",
    "IncompleteSignature": "the AccessKey secret does not belong to the AccessKey id",
    "InvalidTimeStamp.Expired": "the clock of this machine is wrong by more than 15 minutes",
    "IllegalTimestamp": "the clock of this machine is wrong by more than 15 minutes",
    "Rejected.ResourceInDeleteWindow": "the secret is scheduled for deletion",
}


class AnswerError(OSError):
    """A complete reply that is not a JSON object. An OSError, so that the SDK lets it through as a cause."""

    def __init__(self, message: str, *, status: int, is_empty: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.is_empty = is_empty


def service_error(
    code: Any,
    status: Any,
    request_id: Any = None,
    *,
    retry_after_s: float | None = None,
    error_class: ErrorClass = ErrorClass.BACKEND,
    denial: Denial | None = None,
) -> BackendError:
    """Return the error of a service's answer. Codes and ids that do not look like any are dropped: they are body text."""
    text = _matching(_CODE, code)
    text = "" if text == "None" else text  # the SDK's word for a code that was not there
    return BackendError(
        code=text,
        status=status if isinstance(status, int) else 0,
        request_id=_matching(_REQUEST_ID, request_id),
        retry_after_s=retry_after_s,
        error_class=error_class,
        hint=denial.hint if denial is not None else _HINTS.get(text),
        denial=denial,
    )


def transport_error(error: TransportError, error_class: ErrorClass = ErrorClass.BACKEND) -> BackendError:
    """Return the error of an exchange that never completed."""
    return BackendError(error.message, network=error.network, hint=error.hint or None, error_class=error_class)


def answer_error(error: AnswerError, error_class: ErrorClass = ErrorClass.BACKEND) -> BackendError:
    """Return the error of a reply that cannot be read."""
    return BackendError(error.message, status=error.status, error_class=error_class)


def shape_error() -> BackendError:
    """Return the error of JSON whose nesting is not the documented one."""
    return BackendError("the answer does not have the documented shape", status=200)


def secret_of(value: Any) -> SecretBytes | None:
    """Return the text of an answer as bytes, None for an absent field. Raises shape_error for anything that is no text.

    A lone surrogate, which JSON can write and UTF-8 cannot hold, becomes U+FFFD, as in Go.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise shape_error()
    try:
        return SecretBytes(value.encode())
    except UnicodeEncodeError:
        return SecretBytes(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode())


def is_batch_refusal(error: BackendError) -> bool:
    """Return whether a whole batch call was refused for what it is, rather than for a moment or for one key.

    An older gateway does not know the call; an identity may be allowed single reads only.
    """
    return error.code in _NO_BATCH_CODES or (error.status == 403 and error.error_class is ErrorClass.BACKEND)


def backend_error(error: Exception) -> BackendError:
    """Return our error for whatever an SDK call raised."""
    for cause in causes(error):
        if isinstance(cause, BackendError):
            return cause  # the credentials of this call failed inside the SDK
        if isinstance(cause, TransportError):
            return transport_error(cause)
        if isinstance(cause, AnswerError):
            return answer_error(cause)
    for kind in type(error).__mro__:
        make = VENDOR_ERRORS.get(kind.__name__)
        if make is not None:
            return make(error)
    return _unexpected(error)


def is_empty_answer(error: Exception) -> bool:
    """Return whether an SDK call failed only because the reply was 200 without a body."""
    return any(isinstance(cause, AnswerError) and cause.is_empty and cause.status == 200 for cause in causes(error))


def _from_service(error: Exception) -> BackendError:
    status = getattr(error, "status_code", None) or getattr(error, "statusCode", None)
    delay_ms = getattr(error, "retry_after", None)
    return service_error(
        getattr(error, "code", None),
        status,
        getattr(error, "request_id", None),
        retry_after_s=delay_ms / 1000 if isinstance(delay_ms, int | float) else None,
        denial=_denial_of(error) if status in (401, 403) else None,
    )


def _denial_of(error: Exception) -> Denial | None:
    data = getattr(error, "data", None)
    message = data.get("Message") if isinstance(data, dict) else ""
    return decode_denial(getattr(error, "access_denied_detail", None), message)


def _unexpected(error: Exception) -> BackendError:
    inner = getattr(error, "inner_exception", None) or error
    return BackendError(f"the SDK failed with {type(inner).__name__}", permanent=True)


# By class name: the SDK defines several of them twice, in packages that are not worth importing for a lookup.
VENDOR_ERRORS: Final[dict[str, Callable[[Exception], BackendError]]] = {
    "AlibabaCloudException": _from_service,
    "ClientException": _from_service,
    "ServerException": _from_service,
    "ThrottlingException": _from_service,
    "ResponseException": _from_service,
    "DaraException": _from_service,
    "TeaException": _from_service,
    "UnretryableException": _unexpected,
    "RetryError": _unexpected,
    "RequiredArgumentException": _unexpected,
    "ValidateException": _unexpected,
    "TimeoutError": _unexpected,
}


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
