"""OOS encryption parameters through the official client: GetSecretParameter and GetSecretParameters.

Source: spec/data.md 2.2, spec/cloud-apis.md 2.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from alibabacloud_oos20190601.client import Client
from alibabacloud_oos20190601.models import GetSecretParameterRequest, GetSecretParametersRequest

from kubectl_asm.adapters.cloud.failures import PARAMETER_NOT_FOUND_CODE, is_batch_refusal, secret_of, service_error, shape_error
from kubectl_asm.adapters.cloud.sdk import SdkChannel
from kubectl_asm.model.backend import BackendError, ClientPlan, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.ports import BatchUnsupportedError


class OosReader:
    """ports.BatchSecretReader for one client: one host, one identity. Versions of a request are not sent."""

    def __init__(self, channel: SdkChannel) -> None:
        self._channel = channel
        self._client = Client(channel.config)
        self._has_batch = True

    def read(self, read: SecretRead) -> SecretAnswer:
        """Return one parameter; raises BackendError."""
        request = GetSecretParameterRequest(name=read.request.key, with_decryption=True)
        body = self._channel.body(lambda: self._client.get_secret_parameter_with_options(request, self._channel.runtime))
        if body is None:
            return SecretAnswer(has_body=False)
        return _answer(body.parameter, body.request_id)

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:  # noqa: ARG002  # one client
        """Return one outcome a read of at most 10 different names. Raises BackendError, BatchUnsupportedError."""
        if not self._has_batch:
            raise BatchUnsupportedError("OOS refused a batch read before")
        names = json.dumps([read.request.key for read in reads], ensure_ascii=False)
        request = GetSecretParametersRequest(names=names, with_decryption=True)
        try:
            body = self._channel.body(lambda: self._client.get_secret_parameters_with_options(request, self._channel.runtime))
        except BackendError as error:
            if is_batch_refusal(error):
                self._has_batch = False
                raise BatchUnsupportedError("OOS refuses batch reads here") from None
            raise
        if body is None:
            raise shape_error()
        outcomes = _outcomes(body)
        return [outcomes.get(read.request.key) or self._alone(read) for read in reads]

    def _alone(self, read: SecretRead) -> SecretOutcome:
        """Read a parameter that the batch answer does not mention."""
        try:
            return self.read(read)
        except BackendError as error:
            return error


def _outcomes(body: Any) -> dict[str, SecretOutcome]:
    outcomes: dict[str, SecretOutcome] = {}
    for name in body.invalid_parameters or ():
        outcomes[str(name)] = service_error(PARAMETER_NOT_FOUND_CODE, 404, body.request_id)
    for parameter in body.parameters or ():
        try:
            outcomes[str(parameter.name)] = _answer(parameter, body.request_id)
        except BackendError as error:
            outcomes[str(parameter.name)] = error
    return outcomes


def _answer(parameter: Any, request_id: Any) -> SecretAnswer:
    version = getattr(parameter, "parameter_version", None)
    return SecretAnswer(
        data=secret_of(getattr(parameter, "value", None)),
        version_id=str(version) if isinstance(version, int) else "",
        request_id=request_id if isinstance(request_id, str) else "",
    )
