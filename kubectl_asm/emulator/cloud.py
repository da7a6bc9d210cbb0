"""From a parsed request to a response: which service, who signed, allowed or throttled, which operation; and the record."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from kubectl_asm.adapters.cloud.values import Fixtures, decode_fixtures
from kubectl_asm.emulator import kms, oos, sts
from kubectl_asm.emulator.accounts import Accounts, AccountsError, Keys, decode_accounts, open_accounts
from kubectl_asm.emulator.answers import Service, ServiceFault, fault_response, request_id
from kubectl_asm.emulator.calls import Ask, Operation, Shop
from kubectl_asm.emulator.content import Content
from kubectl_asm.emulator.files import RECORDED_PARAMS, CallRecord, Ledger, Reloaded
from kubectl_asm.emulator.jwt import Jwks, TokenChecker, decode_jwks
from kubectl_asm.emulator.metadata import MetadataService, action_of, is_metadata
from kubectl_asm.emulator.options import EmulatorOptions, World
from kubectl_asm.emulator.verify import ANONYMOUS, Call, NonceCache, verify
from kubectl_asm.emulator.wire import Request, Response
from kubectl_asm.errors import InputError

T = TypeVar("T")

_SERVICES: Final[Mapping[str, tuple[Service, Mapping[str, Operation]]]] = {
    kms.VERSION: (Service.KMS, kms.ACTIONS),
    oos.VERSION: (Service.OOS, oos.ACTIONS),
    sts.VERSION: (Service.STS, sts.ACTIONS),
}
_REGION_HOST = re.compile(r"(?:kms|kms-vpc|oos|oos-vpc|sts|sts-vpc)\.([a-z0-9-]+)\.aliyuncs\.com")


class Cloud:
    """All services of one emulator. Safe to share between connection threads."""

    def __init__(self, options: EmulatorOptions, world: World, report: Callable[[str], None]) -> None:
        self._options = options
        self._world = world
        self._nonces = NonceCache()
        self._override: Fixtures | None = None
        self._fixtures = _file(options.fixtures, lambda path: _read_fixtures(path, options.load), report, Fixtures())
        self._accounts_override: Accounts | None = None
        self._accounts = _file(options.accounts, lambda path: _read_accounts(path, options.load), report, open_accounts())
        accounts = self._current_accounts
        jwks = _file(options.oidc_jwks, _read_jwks, report, None)
        self._keys = Keys(accounts, world.now, world.token)
        self._shop = Shop(world, Content(self._current), accounts, self._keys, TokenChecker(jwks, world.now))
        self._metadata = MetadataService(world, accounts, self._keys, options.region)
        self._throttles = {Service(name): _Throttle(rate, world.monotonic) for name, rate in options.rates.items()}
        self.ledger = Ledger(options.record)

    def set_fixtures(self, document: Any) -> None:
        """Replace the content by a fixtures document, instead of a file. Raises InputError."""
        self._override = _fixtures(document, "", None)
        self._shop.content.restart()

    def set_accounts(self, document: Any) -> None:
        """Replace the accounts by an accounts document, instead of a file. Raises AccountsError. Sessions stay."""
        self._accounts_override = decode_accounts(document)

    def handle(self, request: Request) -> Response:
        """Return the response to a request, and record the call."""
        if is_metadata(request):
            return self._handle_metadata(request)
        if not request.is_tls and not self._options.plain_http:
            # A client that speaks plain HTTP to KMS has a wrong endpoint: production would not answer it either.
            return Response(400, b"this emulator serves KMS, OOS and STS over TLS only", "text/plain")
        identifier = request_id(self._world.token)
        call: Call | None = None
        service = _service_of(request)
        try:
            call = verify(request, self._keys, self._nonces, self._world.now())
            response = self._dispatch(request, call, identifier)
            code = _code_of(response)
        except ServiceFault as fault:
            response, code = fault_response(fault, service, request.host, identifier), fault.code
        self._record(request, service, call, response, code)
        return response

    def _dispatch(self, request: Request, call: Call, identifier: str) -> Response:
        service, actions = _SERVICES.get(call.version, (None, {}))
        operation = actions.get(call.action)
        if service is None or operation is None or (service is Service.KMS and not kms.is_served(call.action, request.host)):
            code = "InvalidAction.NotFound" if call.is_rpc else "InvalidApi.NotFound"
            raise ServiceFault(code, 404, "Specified api is not found, please check your url and method.")
        self._throttle(service)
        principal = None if call.caller == ANONYMOUS else self._keys.principal_of(call.caller)
        match = _REGION_HOST.fullmatch(request.host)
        region = match[1] if match else self._options.region
        return operation(Ask(self._shop, service, call.params, request.host, region, identifier, principal))

    def _throttle(self, service: Service) -> None:
        throttle = self._throttles.get(service)
        if throttle is not None and not throttle.admits():
            if service is Service.KMS:
                raise ServiceFault("Rejected.Throttling", 429, "QPS Limit Exceeded")
            raise ServiceFault("Throttling.User", 400, "Request was denied due to user flow control.")

    def _handle_metadata(self, request: Request) -> Response:
        response = self._metadata.handle(request)
        action = action_of(request)
        params = {"role": request.path.rsplit("/", 1)[1]} if action == "RoleCredentials" else {}
        self.ledger.add(CallRecord("metadata", action, params.get("role", ""), "", response.status, "", request.host, params))
        return response

    def _record(self, request: Request, service: Service, call: Call | None, response: Response, code: str) -> None:
        params = {name: value for name, value in call.params.items() if name in RECORDED_PARAMS} if call else {}
        record = CallRecord(
            service=service,
            action=call.action if call else request.header("x-acs-action"),
            key=_key_of(params),
            principal=(call.caller or "anonymous") if call else "",
            status=response.status,
            code=code,
            host=request.host,
            params=params,
        )
        self.ledger.add(record)

    def _current_accounts(self) -> Accounts:
        return self._accounts_override or self._accounts()

    def _current(self) -> Fixtures:
        return self._override or self._fixtures()


class _Throttle:
    """Admits a number of calls a second, counted in windows of one second."""

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._window = -1
        self._count = 0

    def admits(self) -> bool:
        window = int(self._monotonic())
        with self._lock:
            if window != self._window:
                self._window, self._count = window, 0
            self._count += 1
            return self._count <= self._rate


def _service_of(request: Request) -> Service:
    """Return whose dialect an error of this request has, before anything is verified."""
    version = request.header("x-acs-version")
    if not version:
        match = re.search(r"(?:^|&)Version=([0-9-]{10})(?:&|$)", f"{request.raw_query}&{request.body.decode('latin-1')}")
        version = match[1] if match else ""
    return _SERVICES.get(version, (Service.STS, {}))[0]


def _key_of(params: Mapping[str, str]) -> str:
    for name in ("SecretName", "Name", "Path", "RoleArn"):
        if name in params:
            return params[name]
    try:
        items = json.loads(params.get("SecretsList") or params.get("Names") or "[]")
    except (ValueError, RecursionError):
        return ""
    names = [item.get("SecretName") if isinstance(item, dict) else item for item in items] if isinstance(items, list) else []
    return ",".join(str(name) for name in names)


def _code_of(response: Response) -> str:
    """Return the error code a response carries, the name of its defect, or nothing."""
    if response.defect is not None:
        return response.defect.name.lower()
    if response.status < 400 or not response.body.startswith(b"{"):
        return ""
    return str(json.loads(response.body).get("Code", ""))


def _file(path: Path | None, read: Callable[[Path], T], report: Callable[[str], None], default: T) -> Callable[[], T]:
    return (lambda: default) if path is None else Reloaded(path, read, report, (AccountsError,)).get


def _read_fixtures(path: Path, load: Callable[[Path], Any]) -> Fixtures:
    return _fixtures(load(path), str(path), path.parent)


def _fixtures(document: Any, file: str, folder: Path | None) -> Fixtures:
    read_file = (lambda name: (folder / name).read_bytes()) if folder else None
    fixtures, problems = decode_fixtures(document, read_file=read_file)
    if problems:
        first = problems[0]
        place = ".".join(str(part) for part in first.path)
        raise InputError(f"{place}: {first.message}", file=file, hint=first.hint or None)
    return fixtures


def _read_accounts(path: Path, load: Callable[[Path], Any]) -> Accounts:
    return decode_accounts(load(path))


def _read_jwks(path: Path) -> Jwks | None:
    return decode_jwks(json.loads(path.read_text(encoding="utf-8")))
