"""KMS 2016-01-20: the read operations of Secrets Manager.

Source: spec/cloud-apis.md 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from kubectl_asm.adapters.cloud.fixtures import answer_of
from kubectl_asm.adapters.cloud.values import BackendValue, Failure, Fault, Payload
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.calls import Ask, Operation
from kubectl_asm.emulator.content import network_response, service_fault, versions_of
from kubectl_asm.emulator.wire import Response
from kubectl_asm.model.backend import Provider, SecretRequest

VERSION: Final = "2016-01-20"
MAX_BATCH: Final = 20
CREATED: Final = "2026-01-02T03:04:05Z"
_DEDICATED_SUFFIX: Final = ".cryptoservice.kms.aliyuncs.com"
_DEDICATED_ACTIONS: Final = frozenset({"GetSecretValue", "BatchGetSecretValue"})


def get_secret_value(ask: Ask) -> Response:
    """GetSecretValue."""
    request = _request(ask, ask.params)
    _authorize_read(ask, request.key)
    step = ask.shop.content.step(request)
    if isinstance(step, Payload):
        return ask.answer(_value(step, request)) if step.has_body else Response(200)
    return ask.special(step, _value(step.payload if isinstance(step, Fault) else Payload(), request))


def batch_get_secret_value(ask: Ask) -> Response:
    """BatchGetSecretValue: values and errors by secret, the first defect of the wire is that of the whole call."""
    values: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for item in _batch(ask):
        request = _request(ask, item)
        try:
            _authorize_read(ask, request.key)
            step = ask.shop.content.step(request)
            if isinstance(step, Fault):
                return ask.special(step, {"SecretValues": values, "Errors": errors})
            if isinstance(step, Failure):
                if step.network is not None:
                    return network_response(step.network)
                raise service_fault(step)
            if step.has_body:
                values.append(_value(step, request))
        except ServiceFault as fault:
            errors.append({"SecretName": request.key, "Code": fault.code, "HttpStatus": fault.status, "Message": fault.message})
    return ask.answer({"SecretValues": values, "Errors": errors})


def describe_secret(ask: Ask) -> Response:
    """DescribeSecret: what is known about a secret, without its value."""
    name = ask.required("SecretName")
    ask.authorize("kms:DescribeSecret", f"secret/{name}")
    _stored(ask, name)
    assert ask.principal is not None
    arn = f"acs:kms:{ask.region}:{ask.principal.account}:secret/{name}"
    return ask.answer({**_summary(name), "Arn": arn, "AutomaticRotation": "Disabled", "Description": ""})


def list_secrets(ask: Ask) -> Response:
    """ListSecrets, with pages and the filter SecretName."""
    ask.authorize("kms:ListSecrets", "secret")
    prefixes = _name_filters(ask.params.get("Filters", ""))
    names = [
        name
        for name in ask.shop.content.names(Provider.KMS)
        if prefixes is None or any(name.startswith(prefix) for prefix in prefixes)
    ]
    page, size = ask.number("PageNumber", 1, 1, 1_000_000), ask.number("PageSize", 10, 1, 100)
    chosen = names[(page - 1) * size : page * size]
    document = {"SecretList": {"Secret": [_summary(name) for name in chosen]}}
    return ask.answer({**document, "TotalCount": len(names), "PageNumber": page, "PageSize": size})


def list_secret_version_ids(ask: Ask) -> Response:
    """ListSecretVersionIds; versions without a stage only on request."""
    name = ask.required("SecretName")
    ask.authorize("kms:ListSecretVersionIds", f"secret/{name}")
    with_deprecated = ask.flag("IncludeDeprecated")
    versions = [version for version in versions_of(_stored(ask, name)) if version.stages or with_deprecated]
    items = [
        {"VersionId": item.version_id, "CreateTime": CREATED, "VersionStages": {"VersionStage": list(item.stages)}}
        for item in versions
    ]
    return ask.answer(
        {"SecretName": name, "VersionIds": {"VersionId": items}, "TotalCount": len(items), "PageNumber": 1, "PageSize": 20}
    )


ACTIONS: Final[Mapping[str, Operation]] = {
    "GetSecretValue": get_secret_value,
    "BatchGetSecretValue": batch_get_secret_value,
    "DescribeSecret": describe_secret,
    "ListSecrets": list_secrets,
    "ListSecretVersionIds": list_secret_version_ids,
}


def is_served(action: str, host: str) -> bool:
    """Return whether a host serves an operation: the dedicated gateway has no management."""
    return action in ACTIONS and (not host.endswith(_DEDICATED_SUFFIX) or action in _DEDICATED_ACTIONS)


def plain_name(name: str) -> str:
    """Return the name of a secret given as name or ARN."""
    return name.split(":secret/", 1)[1] if name.startswith("acs:kms:") and ":secret/" in name else name


def _request(ask: Ask, params: Mapping[str, Any]) -> SecretRequest:
    name = params.get("SecretName")
    if not isinstance(name, str) or not name:
        raise ServiceFault("MissingParameter", 400, "SecretName is mandatory for this action.")
    version_id, stage = (str(params.get(field) or "") for field in ("VersionId", "VersionStage"))
    if ask.flag("DryRun"):
        raise ServiceFault("DryRunOperationError", 400, "The request would have succeeded.")
    return SecretRequest(Provider.KMS, plain_name(name), version_id, stage)


def _authorize_read(ask: Ask, name: str) -> None:
    ask.authorize("kms:GetSecretValue", f"secret/{name}")
    # The shared gateway asks sessions for the secret only; the dedicated one always wants the key as well.
    if ask.host.endswith(_DEDICATED_SUFFIX):
        ask.authorize("kms:Decrypt", "key/key-emulator")


def _batch(ask: Ask) -> list[Mapping[str, Any]]:
    try:
        items = json.loads(ask.required("SecretsList"))
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise ServiceFault("InvalidParameter", 400, "SecretsList is invalid.")
    names = [str(item.get("SecretName", "")) for item in items]
    if len(items) > MAX_BATCH or len(set(names)) != len(names):
        raise ServiceFault("InvalidParameter", 400, f"SecretsList takes at most {MAX_BATCH} different secrets.")
    return items


def _value(payload: Payload, request: SecretRequest) -> dict[str, Any]:
    answer = answer_of(payload if payload.has_body else Payload(), request)
    document: dict[str, Any] = {
        "SecretName": request.key,
        "SecretType": "Generic",
        "SecretDataType": "binary" if answer.is_binary else "text",
        "VersionId": answer.version_id,
        "VersionStages": {"VersionStage": list(answer.version_stages)},
        "CreateTime": CREATED,
    }
    return document if answer.data is None else {**document, "SecretData": answer.data.reveal_text()}


def _stored(ask: Ask, name: str) -> BackendValue:
    value = ask.shop.content.stored(Provider.KMS, plain_name(name))
    if value is None:
        raise ServiceFault("Forbidden.ResourceNotFound", 404, "Resource not found")
    return value


def _summary(name: str) -> dict[str, Any]:
    return {"SecretName": name, "SecretType": "Generic", "CreateTime": CREATED, "UpdateTime": CREATED}


def _name_filters(text: str) -> tuple[str, ...] | None:
    """Return the name prefixes of a Filters parameter, None without any."""
    if not text:
        return None
    try:
        filters = json.loads(text)
        chosen = [item["Values"] for item in filters if item["Key"] == "SecretName"]
        return tuple(str(value) for values in chosen for value in values) if chosen else None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ServiceFault("InvalidParameter", 400, "Filters is invalid.") from None
