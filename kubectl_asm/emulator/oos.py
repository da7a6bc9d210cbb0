"""OOS 2019-06-01: the read operations of encryption parameters.

Source: spec/cloud-apis.md 2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from kubectl_asm.adapters.cloud.fixtures import UNKNOWN_KEY, answer_of
from kubectl_asm.adapters.cloud.values import Failure, Fault, Payload, Step
from kubectl_asm.emulator.answers import ServiceFault
from kubectl_asm.emulator.calls import Ask, Operation
from kubectl_asm.emulator.content import network_response, service_fault
from kubectl_asm.emulator.wire import Response
from kubectl_asm.model.backend import Provider, SecretRequest

VERSION: Final = "2019-06-01"
MAX_BATCH: Final = 10
_UPDATED: Final = "2026-01-02T03:04:05Z"


def get_secret_parameter(ask: Ask) -> Response:
    """GetSecretParameter."""
    name = ask.required("Name")
    _authorize(ask, "oos:GetSecretParameter", name)
    if ask.number("ParameterVersion", 1, 1, 100) != 1:
        raise ServiceFault("EntityNotExists.ParameterVersion", 404, "The specified parameter version does not exist.")
    step = _step(ask, name)
    if isinstance(step, Payload):
        return ask.answer({"Parameter": _parameter(ask, name, step)}) if step.has_body else Response(200)
    payload = step.payload if isinstance(step, Fault) else Payload()
    return ask.special(_known(step), {"Parameter": _parameter(ask, name, payload)})


def get_secret_parameters(ask: Ask) -> Response:
    """GetSecretParameters: unknown names come back beside the found ones; every other failure is that of the whole call."""
    return _many(ask, _names(ask), "oos:GetSecretParameters")


def get_secret_parameters_by_path(ask: Ask) -> Response:
    """GetSecretParametersByPath, in pages of at most ten."""
    path = ask.required("Path").rstrip("/") + "/"
    size, start = ask.number("MaxResults", 10, 1, 10), _page_start(ask)
    names = [name for name in ask.shop.content.names(Provider.OOS) if name.startswith(path)]
    if not ask.flag("Recursive"):
        names = [name for name in names if "/" not in name[len(path) :]]
    page = {"NextToken": str(start + size)} if start + size < len(names) else {}
    more = {"MaxResults": size, "TotalCount": len(names), **page}
    return _many(ask, names[start : start + size], "oos:GetSecretParametersByPath", more)


ACTIONS: Final[Mapping[str, Operation]] = {
    "GetSecretParameter": get_secret_parameter,
    "GetSecretParameters": get_secret_parameters,
    "GetSecretParametersByPath": get_secret_parameters_by_path,
}


def _many(ask: Ask, names: list[str], action: str, more: Mapping[str, Any] | None = None) -> Response:
    found: list[dict[str, Any]] = []
    invalid: list[str] = []
    for name in names:
        _authorize(ask, action, name)
        step = _step(ask, name)
        if step is UNKNOWN_KEY:
            invalid.append(name)
        elif isinstance(step, Fault):
            return ask.special(step, {"Parameters": found, "InvalidParameters": invalid})
        elif isinstance(step, Failure):
            if step.network is not None:
                return network_response(step.network)
            raise service_fault(step)
        elif step.has_body:
            found.append(_parameter(ask, name, step))
    return ask.answer({"Parameters": found, "InvalidParameters": invalid, **(more or {})})


def _step(ask: Ask, name: str) -> Step:
    return ask.shop.content.step(SecretRequest(Provider.OOS, name))


def _known(step: Failure | Fault) -> Failure | Fault:
    """Return the step, with OOS's own code for a name that does not exist."""
    return Failure("EntityNotExists.Parameter", 404, "The specified parameter does not exist.") if step is UNKNOWN_KEY else step


def _authorize(ask: Ask, action: str, name: str) -> None:
    ask.authorize(action, f"secretparameter/{name}")
    if ask.flag("WithDecryption"):
        ask.authorize("kms:GetSecretValue", f"secret/oos/{name}")


def _parameter(ask: Ask, name: str, payload: Payload) -> dict[str, Any]:
    answer = answer_of(payload if payload.has_body else Payload(), SecretRequest(Provider.OOS, name))
    document: dict[str, Any] = {
        "Name": name,
        "Id": "p-emulator",
        "Type": "Secret",
        "ParameterVersion": 1,
        "ShareType": "Private",
        "CreatedDate": _UPDATED,
        "UpdatedDate": _UPDATED,
    }
    if answer.data is None or not ask.flag("WithDecryption"):
        return document
    return {**document, "Value": answer.data.reveal_text()}


def _names(ask: Ask) -> list[str]:
    try:
        names = json.loads(ask.required("Names"))
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_BATCH or not all(isinstance(name, str) for name in names):
        raise ServiceFault("InvalidParameter", 400, f"Names is a list of 1 to {MAX_BATCH} names.")
    return names


def _page_start(ask: Ask) -> int:
    return ask.number("NextToken", 0, 0, 1_000_000) if ask.params.get("NextToken") else 0
