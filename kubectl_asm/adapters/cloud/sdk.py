"""The official SDK on our transport: its signing and its models, none of its connections, retries or logs.

The SDK looks its session up in a table of the process, by scheme, host and pool size. Each SdkChannel puts an object of
its own there under a pool size nobody else has, so every client has the connections and the trust anchor it was given.
After every call the channel checks that its transport was really used; a new SDK that looks elsewhere is an error at
once, not a silent change of trust. Importing this module imports the SDK: only router.py does, when it builds a client.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from alibabacloud_credentials.models import CredentialModel
from alibabacloud_tea_openapi.utils_models import Config
from darabonba import exceptions as dara
from darabonba.core import DaraCore
from darabonba.runtime import RuntimeOptions
from Tea import exceptions as tea

from kubectl_asm import __version__
from kubectl_asm.adapters.cloud.failures import AnswerError, backend_error, is_empty_answer, shape_error
from kubectl_asm.adapters.cloud.transport import Transport
from kubectl_asm.adapters.credentials.base import CredentialProvider, Credentials
from kubectl_asm.errors import BugError

T = TypeVar("T")

_POOL_SIZES: Final = itertools.count(1_000_000)
_PORT: Final = 80  # what a request of the SDK has when nobody sets one; part of the table's key
# What a call may raise: the two packages define the same names without a common base.
_RAISED: Final = (tea.TeaException, tea.RetryError, tea.ValidateException, dara.RetryError, dara.ValidateException)
_LOGGERS: Final = ("darabonba-core", "alibabacloud-tea", "credentials")


def silence_loggers() -> None:
    """Switch the SDK's loggers off: with DEBUG=sdk in the environment they print headers, tokens included."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
        logger.disabled = True


silence_loggers()


@dataclass(frozen=True, slots=True)
class _SdkReply:
    """What the SDK reads from a reply of its session."""

    status_code: int
    reason: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class _Session:
    """Stands in for the session of the SDK. Only `send` is ever called."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.used = threading.local()

    def send(self, request: Any, **_ignored: Any) -> _SdkReply:
        """Exchange a prepared request. Proxy, CA, time-outs and redirects of the SDK are ignored: ours are the transport's."""
        self.used.flag = True
        reply = self._transport.exchange(request.method, request.url, dict(request.headers), request.body or b"")
        _require_json_object(reply.status, reply.body)
        return _SdkReply(reply.status, reply.reason, reply.headers, reply.body)


def _require_json_object(status: int, body: bytes) -> None:
    """Refuse what the SDK cannot read before it sees it: its own error would quote the whole body."""
    if 300 <= status < 400:
        raise AnswerError("the service answered with a redirect, which is not followed", status=status)
    if not body:
        raise AnswerError("the answer is empty", status=status, is_empty=True)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise AnswerError("the answer is not JSON", status=status)


class _CallCredentials:
    """The credential object of a client: what the calling thread put in for the call under way."""

    def __init__(self) -> None:
        self._local = threading.local()

    def use(self, credentials: Credentials) -> None:
        token = credentials.token.reveal_text() if credentials.token else None
        self._local.model = CredentialModel(
            access_key_id=credentials.key_id.reveal_text(),
            access_key_secret=credentials.secret.reveal_text(),
            security_token=token,
            type="sts" if token else "access_key",
        )

    def forget(self) -> None:
        self._local.model = None

    def get_credential(self) -> CredentialModel:
        return self._local.model


class SdkChannel:
    """Everything a client of one service at one host needs from us. Built once a client, shared between threads."""

    def __init__(self, transport: Transport, provider: CredentialProvider, *, endpoint: str, region: str) -> None:
        scheme, _, host = endpoint.rpartition("://")
        pool = next(_POOL_SIZES)
        protocol = scheme or "https"
        self._provider = provider
        self._session = _Session(transport)
        self._credentials = _CallCredentials()
        key = f"{protocol}://{host}:{_PORT}:pool={pool}"
        DaraCore._sessions[key] = self._session
        # Not in a close(): a call under way in another thread would find the entry gone and get a session of the SDK's making.
        weakref.finalize(self, DaraCore._sessions.pop, key, None).atexit = False
        self.runtime = RuntimeOptions()
        self.config = Config(
            credential=self._credentials,
            endpoint=host,
            region_id=region or None,
            protocol=protocol,
            max_idle_conns=pool,
            user_agent=f"kubectl-asm/{__version__}",
        )

    def body(self, function: Callable[[], Any]) -> Any:
        """Return the body model of one SDK call, None when the service answered without a body.

        The SDK gives no body as well when the JSON does not fit its model: that is an error of its own.
        """
        answer = self.call(function)
        if answer is None:
            return None
        if answer.body is None and getattr(answer, "_map", None):
            raise shape_error()
        return answer.body

    def call(self, function: Callable[[], T]) -> T | None:
        """Run one SDK call with fresh credentials; None when the reply was 200 and empty.

        Raises BackendError, made outside the handler so that the vendor's exception does not hang on as its context.
        """
        self._credentials.use(self._provider.credentials())
        self._session.used.flag = False
        try:
            answer = function()
        except _RAISED as error:
            if is_empty_answer(error):
                return None
            failure = backend_error(error)
        else:
            if not self._session.used.flag:
                raise BugError("the SDK made a call outside the hardened transport")
            return answer
        finally:
            self._credentials.forget()
        raise failure
