"""Backend content as people write it, decoded: what a fixtures file and the emulator hold for one secret or parameter.

Used by the fixtures reader and by the emulator, so that one file means the same in both. Input is plain data (the
result of the YAML loader); every problem names the path inside the document, which the caller turns into a place.
Source: spec/cli.md 2, conformance README section 4.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubectl_asm.model.backend import Network, Provider
from kubectl_asm.model.sensitive import SecretBytes

Path = tuple[str | int, ...]
FileReader = Callable[[str], bytes]

DEFAULT_VERSION_ID: Final = "v1"
CURRENT_STAGE: Final = "ACSCurrent"


class ValueFormError(Exception):
    """A value that has none of the known forms. path: keys and indices from the top of the document."""

    def __init__(self, path: Path, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Payload:
    """One answer. data None: the reply lacks the field; has_body False: the reply has no body at all."""

    data: SecretBytes | None = None
    is_binary: bool = False
    has_body: bool = True
    version_id: str = ""
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """The service refuses (code, status, message; any may be missing) or the network fails."""

    code: str = ""
    status: int = 0
    message: str = ""
    network: Network | None = None
    retry_after_s: float | None = None


class FaultKind(enum.StrEnum):
    """Defects of a reply that a service answer cannot express."""

    TRUNCATE = "truncate"  # the connection ends in the middle of the body
    HTML = "html"  # a proxy's page with status 502
    EMPTY = "empty"  # status 200 without a body
    NOT_JSON = "notJson"  # status 200, text that is not JSON
    WRONG_SHAPE = "wrongShape"  # status 200, JSON whose nesting differs from the documented one
    RESET = "reset"  # the connection is reset before the reply
    SLOW = "slow"  # the reply waits `seconds` first
    HUGE = "huge"  # a body larger than any client should read
    REDIRECT = "redirect"  # status 302 to another path


@dataclass(frozen=True, slots=True)
class Fault:
    """A defective reply. seconds: of SLOW. After it a SLOW reply gives the payload."""

    kind: FaultKind
    seconds: float = 0.0
    payload: Payload = field(default_factory=Payload)


@dataclass(frozen=True, slots=True)
class Versions:
    """Several versions of one secret, chosen by VersionId and VersionStage."""

    payloads: tuple[Payload, ...]

    def choose(self, version_id: str, version_stage: str) -> Payload | None:
        """Return the first version that matches what is given; nothing given means the stage ACSCurrent."""
        stage = version_stage or ("" if version_id else CURRENT_STAGE)
        for payload in self.payloads:
            if version_id in ("", payload.version_id) and (not stage or stage in payload.stages):
                return payload
        return None


Step = Payload | Failure | Fault


@dataclass(frozen=True, slots=True)
class Script:
    """One step a call, the last repeats."""

    steps: tuple[Step, ...]

    def step(self, call: int) -> Step:
        """Return the step of a call, counted from 0."""
        return self.steps[min(call, len(self.steps) - 1)]


BackendValue = Payload | Failure | Fault | Versions | Script


@dataclass(frozen=True, slots=True)
class Content:
    """The values of one account or store, by provider and key."""

    kms: Mapping[str, BackendValue] = field(default_factory=dict)
    oos: Mapping[str, BackendValue] = field(default_factory=dict)

    def of(self, provider: Provider) -> Mapping[str, BackendValue]:
        """Return the values of one service."""
        return self.kms if provider is Provider.KMS else self.oos


@dataclass(frozen=True, slots=True)
class Fixtures:
    """A whole fixtures file. stores: `NS/NAME`, `cluster/NAME` or `env` to what that store sees instead of the common content."""

    common: Content = field(default_factory=Content)
    stores: Mapping[str, Content] = field(default_factory=dict)


def decode_fixtures(document: Any, *, read_file: FileReader | None = None) -> tuple[Fixtures, list[ValueFormError]]:
    """Return the content of a parsed fixtures file and every problem found; values with problems are left out.

    read_file: bytes of a `{file: path}` value, OSError when it cannot be read; without it that form is a problem.
    """
    decoder = _Decoder(read_file)
    return decoder.fixtures(document), decoder.problems


def decode_value(raw: Any, provider: Provider = Provider.KMS, path: Path = ()) -> BackendValue:
    """Return one value; raises ValueFormError."""
    return _Decoder(None).value(raw, provider, path)


class _Decoder:
    """Collects problems while it decodes."""

    def __init__(self, read_file: FileReader | None) -> None:
        self._read_file = read_file
        self.problems: list[ValueFormError] = []

    def fixtures(self, document: Any) -> Fixtures:
        top = self._mapping(document, (), ("apiVersion", "kind", "kms", "oos", "stores"))
        stores: dict[str, Content] = {}
        common = self._content(top, ())
        for name, raw in self._mapping(top.get("stores"), ("stores",)).items():
            path: Path = ("stores", name)
            if not _is_store_name(name):
                self.problems.append(ValueFormError(path, f"{name!r} names no store", "write NS/NAME, cluster/NAME or env"))
                continue
            # A section that is not written is the common one: only what a store has of its own needs writing down.
            own = self._mapping(raw, path, ("kms", "oos"))
            given = self._content(own, path)
            stores[name] = Content(
                given.kms if own.get("kms") is not None else common.kms,
                given.oos if own.get("oos") is not None else common.oos,
            )
        return Fixtures(common, stores)

    def _content(self, raw: Mapping[str, Any], path: Path) -> Content:
        return Content(*(self._section(raw.get(provider), provider, (*path, str(provider))) for provider in Provider))

    def _section(self, raw: Any, provider: Provider, path: Path) -> dict[str, BackendValue]:
        values: dict[str, BackendValue] = {}
        for key, item in self._mapping(raw, path).items():
            try:
                values[key] = self.value(item, provider, (*path, key))
            except ValueFormError as problem:
                self.problems.append(problem)
        return values

    def _mapping(self, raw: Any, path: Path, known: Iterable[str] = ()) -> dict[str, Any]:
        """Return a mapping with text keys; None is an empty one. Everything else becomes a problem."""
        if raw is None:
            return {}
        if not isinstance(raw, Mapping):
            self.problems.append(ValueFormError(path, "a mapping is expected here"))
            return {}
        allowed = tuple(known)
        mapping: dict[str, Any] = {}
        for key, item in raw.items():
            if not isinstance(key, str):
                self.problems.append(ValueFormError((*path, str(key)), "a key must be text", "put it in quotes"))
            elif allowed and key not in allowed:
                self.problems.append(ValueFormError((*path, key), f"unknown field {key!r}", f"known are {', '.join(allowed)}"))
            else:
                mapping[key] = item
        return mapping

    # --- one value

    def value(self, raw: Any, provider: Provider, path: Path) -> BackendValue:
        """Return one value, whatever its form; raises ValueFormError."""
        if isinstance(raw, str):
            return Payload(SecretBytes.of_text(raw))
        if not isinstance(raw, Mapping):
            raise ValueFormError(path, "a value is text or a mapping", "put numbers, booleans and null in quotes")
        if "versions" in raw:
            return self._versions(_only(raw, path, ("versions",)), provider, path)
        if "script" in raw:
            return self._script(raw, provider, path)
        return self._step(raw, provider, path)

    def _step(self, raw: Mapping[str, Any], provider: Provider, path: Path) -> Step:
        if "fail" in raw:
            return _failure(_only(raw, path, ("fail",))["fail"], (*path, "fail"))
        if "fault" in raw:
            return self._fault(raw, provider, path)
        return self._payload(raw, provider, path)

    def _payload(self, raw: Mapping[str, Any], provider: Provider, path: Path) -> Payload:
        forms = ("text", "file", "binary", "missingData", "missingBody")
        given = [form for form in forms if form in raw]
        if len(given) != 1 or len(raw) != 1:
            raise ValueFormError(path, f"exactly one of {', '.join(forms)}, versions, fail, fault, script is expected")
        form, item = given[0], raw[given[0]]
        here = (*path, form)
        if form in ("missingData", "missingBody"):
            if item is not True:
                raise ValueFormError(here, f"{form} is either true or not written")
            return Payload(has_body=form == "missingData")
        if not isinstance(item, str):
            raise ValueFormError(here, f"{form} must be text", "put it in quotes")
        if form == "file":
            return Payload(self._file(item, here))
        if form == "binary" and provider is Provider.OOS:
            raise ValueFormError(here, "an OOS parameter has no binary form")
        return Payload(SecretBytes.of_text(item), is_binary=form == "binary")

    def _file(self, name: str, path: Path) -> SecretBytes:
        if self._read_file is None:
            raise ValueFormError(path, "a file cannot be named here", "write the value itself")
        try:
            data = self._read_file(name)
            data.decode("utf-8")
        except OSError as error:
            raise ValueFormError(path, f"cannot read {name}: {error.strerror or type(error).__name__}") from None
        except UnicodeDecodeError:
            raise ValueFormError(path, f"{name} is not UTF-8 text", "a binary secret is written as binary: <base64>") from None
        return SecretBytes(data)

    def _versions(self, raw: Mapping[str, Any], provider: Provider, path: Path) -> Versions:
        payloads = []
        for index, item in enumerate(_list(raw["versions"], (*path, "versions"))):
            here = (*path, "versions", index)
            if not isinstance(item, Mapping):
                raise ValueFormError(here, "a version is a mapping with id, stages and text")
            rest = {name: part for name, part in item.items() if name not in ("id", "stages")}
            payload = self._payload(rest, provider, here)
            stages = tuple(_text(stage, (*here, "stages")) for stage in _list(item.get("stages", []), (*here, "stages")))
            version_id = _text(item.get("id"), (*here, "id"))
            payloads.append(Payload(payload.data, payload.is_binary, payload.has_body, version_id, stages))
        return Versions(tuple(payloads))

    def _script(self, raw: Mapping[str, Any], provider: Provider, path: Path) -> Script:
        rest = {name: part for name, part in raw.items() if name != "script"}
        ok = self._payload(rest, provider, path) if rest else Payload(SecretBytes(b""))
        steps: list[Step] = []
        for index, item in enumerate(_list(raw["script"], (*path, "script"))):
            here = (*path, "script", index)
            if item == "ok":
                steps.append(ok)
            elif isinstance(item, Mapping):
                steps.append(self._step(item, provider, here))
            else:
                raise ValueFormError(here, "a step is ok, {fail: ...} or {fault: ...}")
        if not steps:
            raise ValueFormError((*path, "script"), "a script needs at least one step")
        return Script(tuple(steps))

    def _fault(self, raw: Mapping[str, Any], provider: Provider, path: Path) -> Fault:
        here = (*path, "fault")
        try:
            kind = FaultKind(_text(raw["fault"], here))
        except ValueError:
            raise ValueFormError(here, "unknown fault", f"known are {', '.join(FaultKind)}") from None
        seconds = raw.get("seconds", 1.0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 3600:
            raise ValueFormError((*path, "seconds"), "seconds is a number from 0 to 3600")
        rest = {name: part for name, part in raw.items() if name not in ("fault", "seconds")}
        payload = self._payload(rest, provider, path) if rest else Payload(SecretBytes(b""))
        return Fault(kind, float(seconds) if kind is FaultKind.SLOW else 0.0, payload)


def _failure(raw: Any, path: Path) -> Failure:
    if not isinstance(raw, Mapping):
        raise ValueFormError(path, "fail is a mapping with code, status, message, or with network")
    _only(raw, path, ("code", "status", "message", "network", "retryAfter"))
    network = raw.get("network")
    if network is not None and network not in list(Network):
        raise ValueFormError((*path, "network"), "unknown network failure", f"known are {', '.join(Network)}")
    status = raw.get("status", 0)
    if isinstance(status, bool) or not isinstance(status, int) or not (status == 0 or 400 <= status <= 599):
        raise ValueFormError((*path, "status"), "status is an HTTP status from 400 to 599")
    retry_after = raw.get("retryAfter")
    if retry_after is not None and (isinstance(retry_after, bool) or not isinstance(retry_after, int | float)):
        raise ValueFormError((*path, "retryAfter"), "retryAfter is a number of seconds")
    return Failure(
        code=_text(raw.get("code", ""), (*path, "code")),
        status=status,
        message=_text(raw.get("message", ""), (*path, "message")),
        network=Network(network) if network else None,
        retry_after_s=None if retry_after is None else float(retry_after),
    )


def _is_store_name(name: str) -> bool:
    return name == "env" or (name.count("/") == 1 and all(name.split("/")))


def _only(raw: Mapping[str, Any], path: Path, known: tuple[str, ...]) -> Mapping[str, Any]:
    for name in raw:
        if name not in known:
            raise ValueFormError((*path, str(name)), f"unknown field {str(name)!r}", f"known are {', '.join(known)}")
    return raw


def _list(raw: Any, path: Path) -> list[Any]:
    if not isinstance(raw, list | tuple):
        raise ValueFormError(path, "a list is expected here")
    return list(raw)


def _text(raw: Any, path: Path) -> str:
    if not isinstance(raw, str):
        raise ValueFormError(path, "text is expected here", "put it in quotes")
    return raw
