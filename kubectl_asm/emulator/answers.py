"""JSON answers and error documents in the dialects of the services.

Source: spec/cloud-apis.md 6.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from typing import Any

from kubectl_asm.emulator.wire import Response


class Service(enum.StrEnum):
    """Whom a call is for."""

    KMS = "kms"
    OOS = "oos"
    STS = "sts"
    METADATA = "metadata"


class ServiceFault(Exception):
    """A call that is refused with an error document. retry_after_s: sent as x-acs-retry-after.

    detail: AccessDeniedDetail, which the gateway's dialect has and that of KMS has not.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        retry_after_s: float | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s
        self.detail = detail


def request_id(token: Callable[[int], bytes]) -> str:
    """Return a request id in the services' form."""
    text = token(16).hex().upper()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def json_response(document: Mapping[str, Any], identifier: str, *, status: int = 200, delay_s: float = 0.0) -> Response:
    """Return a JSON response that carries its request id."""
    body = json.dumps({"RequestId": identifier, **document}, ensure_ascii=False).encode("utf-8", "surrogateescape")
    return Response(status, body, headers=(("x-acs-request-id", identifier),), delay_s=delay_s)


def fault_response(fault: ServiceFault, service: Service, host: str, identifier: str) -> Response:
    """Return the error document of a fault: KMS's own dialect or that of the gateway."""
    document: dict[str, Any] = {"Code": fault.code, "Message": fault.message} if fault.code else {"Message": fault.message}
    if service is Service.KMS:
        document = {"HttpStatus": fault.status, **document}
    else:
        product = service.value.capitalize()
        link = f"https://api.aliyun.com/troubleshoot?q={fault.code}&product={product}&requestId={identifier}"
        detail = {"AccessDeniedDetail": dict(fault.detail)} if fault.detail else {}
        document = {"HostId": host, **document, "Recommend": link, **detail}
    response = json_response(document, identifier, status=fault.status)
    if fault.retry_after_s is None:
        return response
    delay_ms = str(max(round(fault.retry_after_s * 1000), 1))
    return Response(response.status, response.body, headers=(*response.headers, ("x-acs-retry-after", delay_ms)))
