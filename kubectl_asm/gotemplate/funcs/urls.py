"""URLs taken apart and put together, with Go's idea of what is valid and what needs an escape.

Works on bytes kept as text (``surrogateescape``). Called through the table in ``funcs/__init__.py``.
Source: spec/templates.md 6.3; Go net/url, the URL type of upstream's functions.
"""

from __future__ import annotations

import enum
import ipaddress
import re
import string
from typing import Final

import msgspec

from kubectl_asm.gotemplate.funcs.lists import NIL_DEREFERENCE
from kubectl_asm.gotemplate.funcs.signature import MAP, Environment, Function, FunctionError
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.values import GoMap, canonical, kind_of, raw, text_of

GROUP = "urls"
_CHARACTERS_PER_STEP: Final = 4

_UNRESERVED: Final = string.ascii_letters + string.digits + "-._~"


class _Part(enum.Enum):
    """A part of a URL."""

    PATH = enum.auto()
    HOST = enum.auto()
    ZONE = enum.auto()
    USER = enum.auto()
    FRAGMENT = enum.auto()


_HOST_CHARACTERS: Final = _UNRESERVED + "!\"$&'()*+,:;<=>[]"
_UNESCAPED: Final = {
    _Part.PATH: _UNRESERVED + "$&+,/:;=@",
    _Part.HOST: _HOST_CHARACTERS,
    _Part.ZONE: _HOST_CHARACTERS,
    _Part.USER: _UNRESERVED + "$&+,;=",
    _Part.FRAGMENT: _UNRESERVED + "!$&()*+,/:;=?@",
}
"""The characters that a part may hold unescaped."""


class _URLError(ValueError):
    """A URL that Go refuses; the message is Go's reason."""


def _escape(text: str, part: _Part) -> str:
    """Return the text with every byte escaped that this part may not hold."""
    allowed = _UNESCAPED[part].encode()
    return "".join(chr(byte) if byte in allowed else f"%{byte:02X}" for byte in raw(text))


_HEX_PAIR: Final = re.compile(r"[0-9a-fA-F]{2}")


def _check_escape(found: str, part: _Part) -> None:
    """Raise unless the three characters are an escape that this part allows."""
    data = raw(found)[:3]
    if not _HEX_PAIR.fullmatch(found[1:]):
        raise _URLError(f"invalid URL escape {quote(text_of(data))}")
    value = int(found[1:], 16)
    refused = part is _Part.HOST and value < 0x80 and found != "%25"
    if part is _Part.ZONE:
        refused = found != "%25" and chr(value) not in _HOST_CHARACTERS + " "
    if refused:
        raise _URLError(f"invalid URL escape {quote(found)}")


def _unescape(text: str, part: _Part) -> str:
    """Return the text with its escapes resolved. Raises: _URLError for a bad escape or host character."""
    for match in re.finditer(r"%.{0,2}|[\x00-\x7f]", text, re.DOTALL):
        found = match.group()
        if found.startswith("%"):
            _check_escape(found, part)
        elif part in (_Part.HOST, _Part.ZONE) and found not in _UNESCAPED[part]:
            raise _URLError(f"invalid character {quote(found)} in host name")
    data = re.sub(rb"%([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), raw(text))
    return text_of(data)


class _URL(msgspec.Struct):
    """The parts of a URL, unescaped except for the query. user: name and password, the latter None when not given."""

    scheme: str = ""
    opaque: str = ""
    user: tuple[str, str | None] | None = None
    host: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""

    def hostname(self) -> str:
        """Return the host without port and brackets."""
        host, colon, port = self.host.rpartition(":")
        if not colon or not _is_port(port):
            host = self.host
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    def userinfo(self) -> str:
        """Return the escaped user and password."""
        if self.user is None:
            return ""
        name, password = self.user
        return _escape(name, _Part.USER) + ("" if password is None else ":" + _escape(password, _Part.USER))


def _is_port(text: str) -> bool:
    return all("0" <= ch <= "9" for ch in text)


def _parse(text: str) -> _URL:
    """Return the parts. Raises: _URLError with the whole text of Go's error."""
    before, _, fragment = text.partition("#")
    try:
        url = _parse_without_fragment(before)
    except _URLError as error:
        raise _URLError(f"parse {quote(before)}: {error}") from error
    try:
        url.fragment = _unescape(fragment, _Part.FRAGMENT)
    except _URLError as error:
        raise _URLError(f"parse {quote(text)}: {error}") from error
    return url


_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def _cut_scheme(text: str) -> tuple[str, str]:
    if text.startswith(":"):
        raise _URLError("missing protocol scheme")
    match = _SCHEME.match(text)
    return (match[1].lower(), text[match.end() :]) if match else ("", text)


def _parse_without_fragment(text: str) -> _URL:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise _URLError("net/url: invalid control character in URL")
    if text == "*":
        return _URL(path="*")
    url = _URL()
    url.scheme, rest = _cut_scheme(text)
    rest, _, url.query = rest.partition("?")
    if not rest.startswith("/"):
        if url.scheme:
            url.opaque = rest
            return url
        if ":" in rest.partition("/")[0]:
            raise _URLError("first path segment in URL cannot contain colon")
    if rest.startswith("//") and (url.scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        url.user, url.host = _parse_authority(authority)
    url.path = _unescape(rest, _Part.PATH)
    return url


_USERINFO: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")


def _parse_authority(authority: str) -> tuple[tuple[str, str | None] | None, str]:
    userinfo, at, host_text = authority.rpartition("@")
    host = _parse_host(host_text)
    if not at:
        return None, host
    if not _USERINFO.fullmatch(userinfo):
        raise _URLError("net/url: invalid userinfo")
    name, colon, password = userinfo.partition(":")
    return (_unescape(name, _Part.USER), _unescape(password, _Part.USER) if colon else None), host


def _check_port(port: str) -> None:
    """Raise unless port, with its colon, is empty or digits only."""
    if port and (port[0] != ":" or not _is_port(port[1:])):
        raise _URLError(f"invalid port {quote(port)} after host")


def _parse_host(host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise _URLError("invalid IP-literal")
    if bracket == 0:
        return _parse_ip_literal(host)
    if ":" in host:
        # A list of hosts is common in database URLs: only the last one's port is looked at.
        _check_port(host[host.rfind(":") :])
    return _unescape(host, _Part.HOST)


def _parse_ip_literal(host: str) -> str:
    inner, bracket, port = host[1:].rpartition("]")
    if not bracket:
        raise _URLError("missing ']' in host")
    _check_port(port)
    before, zone_mark, zone = inner.partition("%25")
    name = _unescape(before, _Part.HOST)
    if zone_mark:
        name += _unescape(zone_mark + zone, _Part.ZONE)
    _check_ip_literal(name)
    return f"[{name}]{port}"


def _check_ip_literal(name: str) -> None:
    """Raise unless the name is an IPv6 address, maybe with a zone."""
    address, percent, zone = name.partition("%")
    try:
        is_v6 = isinstance(ipaddress.ip_address(address), ipaddress.IPv6Address) and (zone != "" or not percent)
    except ValueError:
        raise _URLError(f"invalid host: ParseAddr({quote(name)}): unable to parse IP") from None
    if percent and zone == "":
        raise _URLError(f"invalid host: ParseAddr({quote(name)}): zone must be a non-empty string")
    if not is_v6:
        raise _URLError("invalid IP-literal")


def _charge(env: Environment, size: int) -> None:
    env.budget.step(size // _CHARACTERS_PER_STEP + 1)


def url_parse(env: Environment, text: str) -> GoMap:
    """Return the parts ``scheme host hostname path query opaque fragment userinfo``. Raises: FunctionError."""
    _charge(env, len(text))
    try:
        url = _parse(text)
    except _URLError as error:
        raise FunctionError(f"unable to parse url: {error}") from error
    parts = {
        "scheme": url.scheme,
        "host": url.host,
        "hostname": url.hostname(),
        "path": url.path,
        "query": url.query,
        "opaque": url.opaque,
        "fragment": url.fragment,
        "userinfo": url.userinfo(),
    }
    return GoMap((name, canonical(part)) for name, part in parts.items())


def _part(parts: GoMap, name: str) -> str:
    """Return one part, empty when absent. Raises: FunctionError unless it is a text."""
    value = parts.get(name, "")
    if value is None:
        raise FunctionError(NIL_DEREFERENCE)
    if not isinstance(value, str):
        raise FunctionError(f"unable to parse {name} key, must be of type string, but {kind_of(value)} found")
    return value


def _from_parts(parts: GoMap) -> _URL:
    names = ("scheme", "host", "path", "query", "opaque", "fragment", "userinfo")
    scheme, host, path, query, opaque, fragment, userinfo = (_part(parts, name) for name in names)
    url = _URL(scheme, opaque, None, host, path, query, fragment)
    if userinfo:
        try:
            url.user = _parse(f"proto://{userinfo}@host").user
        except _URLError as error:
            raise FunctionError(f"unable to parse userinfo in dict: {error}") from error
    return url


def _authority(url: _URL) -> str:
    if not (url.scheme or url.host or url.user):
        return ""
    slashes = "//" if url.host or url.path or url.user else ""
    user = url.userinfo() + "@" if url.user else ""
    return slashes + user + _escape(url.host, _Part.HOST)


def url_join(env: Environment, parts: GoMap) -> str:
    """Return the URL of the parts that ``urlParse`` gives. Raises: FunctionError for a part that is no text."""
    _charge(env, sum(len(part) for part in parts.values() if isinstance(part, str)))
    url = _from_parts(parts)
    text = url.scheme + ":" if url.scheme else ""
    if url.opaque:
        text += url.opaque
    else:
        text += _authority(url)
        path = "*" if url.path == "*" else _escape(url.path, _Part.PATH)
        if path and not path.startswith("/") and url.host:
            text += "/"
        if not text and ":" in path.partition("/")[0]:
            text = "./"
        text += path
    text += "?" + url.query if url.query else ""
    return text + ("#" + _escape(url.fragment, _Part.FRAGMENT) if url.fragment else "")


FUNCTIONS: tuple[Function, ...] = (
    Function("urlJoin", GROUP, url_join, (MAP,), needs_env=True, summary="URL of the parts that urlParse gives."),
    Function("urlParse", GROUP, url_parse, ("string",), MAP, needs_env=True, summary="Parts of a URL."),
)
