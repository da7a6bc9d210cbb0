"""Which proxy a host is reached through. The environment is read by the caller; NO_PROXY is honoured, which the SDK does not.

Source: the curl and requests conventions for HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Instance metadata is a link-local service: a proxy would hand its answer to somebody else.
_NEVER_PROXIED: Final = frozenset({"100.100.100.200", "localhost"})


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Proxy URLs by scheme and the hosts that go without one: names, `.suffixes`, addresses, networks, or `*`."""

    http: str = ""
    https: str = ""
    no_proxy: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ProxySettings:
        """Return the settings of an environment. Lower-case names win; a proxy without a scheme is an http one."""

        def get(name: str) -> str:
            return environ.get(name.lower()) or environ.get(name) or ""

        everything = get("ALL_PROXY")
        excepted = tuple(part.strip().lower() for part in get("NO_PROXY").split(",") if part.strip())
        return cls(_url(get("HTTP_PROXY") or everything), _url(get("HTTPS_PROXY") or everything), excepted)

    def proxy_for(self, scheme: str, host: str) -> str:
        """Return the proxy URL for a host, empty for a direct connection."""
        proxy = self.https if scheme == "https" else self.http
        return "" if not proxy or self._is_excepted(host.lower()) else proxy

    def _is_excepted(self, host: str) -> bool:
        if host in _NEVER_PROXIED:
            return True
        address = _address(host)
        if address is not None and address.is_loopback:
            return True
        return any(_matches(pattern, host, address) for pattern in self.no_proxy)


def _matches(pattern: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if pattern == "*":
        return True
    if address is not None:
        try:
            return address in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    name = pattern.removeprefix("*").lstrip(".").split(":", 1)[0]
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _url(text: str) -> str:
    return text if "://" in text or not text else f"http://{text}"
