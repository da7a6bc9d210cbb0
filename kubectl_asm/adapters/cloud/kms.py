"""KMS Secrets Manager through the official client: GetSecretValue and, where it exists, BatchGetSecretValue.

Source: spec/data.md 2.1, spec/cloud-apis.md 1.1, 1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from alibabacloud_kms20160120.client import Client
from alibabacloud_kms20160120.models import (
    BatchGetSecretValueRequest,
    BatchGetSecretValueRequestSecretsList,
    GetSecretValueRequest,
)

from kubectl_asm.adapters.cloud.failures import is_batch_refusal, secret_of, service_error, shape_error
from kubectl_asm.adapters.cloud.sdk import SdkChannel
from kubectl_asm.model.backend import BackendError, ClientPlan, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.model.denial import decode_denial
from kubectl_asm.ports import BatchUnsupportedError


class KmsReader:
    """ports.BatchSecretReader for one client: one host, one identity."""

    def __init__(self, channel: SdkChannel) -> None:
        self._channel = channel
        self._client = Client(channel.config)
        self._has_batch = True

    def read(self, read: SecretRead) -> SecretAnswer:
        """Return one secret value; raises BackendError."""
        request = GetSecretValueRequest(
            secret_name=read.request.key,
            version_id=read.request.version_id or None,
            version_stage=read.request.version_stage or None,
        )
        body = self._channel.body(lambda: self._client.get_secret_value_with_options(request, self._channel.runtime))
        return SecretAnswer(has_body=False) if body is None else _answer(body)

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:  # noqa: ARG002  # one client
        """Return one outcome a read of at most 20 different secrets. Raises BackendError, BatchUnsupportedError."""
        if not self._has_batch:
            raise BatchUnsupportedError("KMS refused a batch read before")
        items = [
            BatchGetSecretValueRequestSecretsList(
                secret_name=read.request.key,
                version_id=read.request.version_id or None,
                version_stage=read.request.version_stage or None,
            )
            for read in reads
        ]
        request = BatchGetSecretValueRequest(secrets_list=items)
        try:
            body = self._channel.body(lambda: self._client.batch_get_secret_value_with_options(request, self._channel.runtime))
        except BackendError as error:
            if is_batch_refusal(error):
                self._has_batch = False
                raise BatchUnsupportedError("KMS refuses batch reads here") from None
            raise
        if body is None:
            raise shape_error()
        outcomes = _outcomes(body)
        return [outcomes.get(_plain_name(read.request.key)) or self._alone(read) for read in reads]

    def _alone(self, read: SecretRead) -> SecretOutcome:
        """Read a secret that the batch answer does not mention."""
        try:
            return self.read(read)
        except BackendError as error:
            return error


def _answer(body: Any) -> SecretAnswer:
    return SecretAnswer(
        data=secret_of(body.secret_data),
        is_binary=body.secret_data_type == "binary",  # noqa: S105  # the name of a type
        version_id=body.version_id if isinstance(body.version_id, str) else "",
        version_stages=tuple(_texts(getattr(body.version_stages, "version_stage", None))),
        request_id=body.request_id if isinstance(body.request_id, str) else "",
    )


def _outcomes(body: Any) -> dict[str, SecretOutcome]:
    """Return what a batch answer says, by plain secret name."""
    outcomes: dict[str, SecretOutcome] = {}
    for item in body.errors or ():
        status = _number(item.http_status)
        denial = decode_denial(None, item.message) if status in (401, 403) else None
        outcomes[_plain_name(item.secret_name)] = service_error(item.code, status, body.request_id, denial=denial)
    for item in body.secret_values or ():
        try:
            outcomes[_plain_name(item.secret_name)] = _answer(item)
        except BackendError as error:
            outcomes[_plain_name(item.secret_name)] = error
    return outcomes


def _plain_name(name: Any) -> str:
    """Return the name of a secret that may be given as an ARN (`acs:kms:REGION:ACCOUNT:secret/NAME`)."""
    text = str(name or "")
    return text.split(":secret/", 1)[1] if text.startswith("acs:kms:") and ":secret/" in text else text


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else 0


def _texts(values: Any) -> Iterable[str]:
    return (value for value in values if isinstance(value, str)) if isinstance(values, list) else ()
