"""Requests without a key: whether they are answered, and what no browser may be made to send.

On loopback there is no login, so that whoever sits at the machine can begin at once. Two things
stand in for it. The request has to name the machine by a name of loopback: a site elsewhere can
have its own name lead here (DNS rebinding), but then that name is in `Host`. And what changes
something must not come from another site's page, which a browser would send without asking.
"""

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.access import ANONYMOUS, Caller, HostRefused, KeyRefused, SiteRefused
from service.settings import ServiceSettings

ANY = "*"
"""Among hosts or origins: each of them."""

_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Anonymous:
    """How requests without a key are met.

    Attributes:
        caller: Whom they are answered as; None: not at all.
        hosts: Names that they may be for, beside those of loopback; None: any.
        origins: Sites whose pages may send what changes something, beside the service's own.
    """

    caller: Caller | None
    hosts: frozenset[str] | None = frozenset()
    origins: frozenset[str] = frozenset()

    def admit(self, method: str, headers: Headers) -> Caller:
        """Whom to answer. Raises `KeyRefused`, `HostRefused` and `SiteRefused`."""
        if self.caller is None:
            raise KeyRefused(
                "this service answers those who have a key: send it as 'Authorization: Bearer "
                "rf_…' or 'X-API-Key: rf_…'; `ragfirst keys create NAME` makes one"
            )
        host = headers.get("host", "")
        if not self._known(_name(host)):
            raise HostRefused(
                f"the host {host!r} is not one that this service goes by without a key: ask for "
                "localhost, send a key, or add the name to RAGFIRST_ALLOWED_HOSTS"
            )
        if method not in _SAFE and not self._own(host, headers):
            raise SiteRefused(
                f"a page of {headers.get('origin', 'another site')!r} may not send this without a "
                "key: send one, or add the site to RAGFIRST_CORS_ORIGINS"
            )
        return self.caller

    def _known(self, name: str) -> bool:
        if self.hosts is None or ANY in self.hosts:
            return True
        return name in self.hosts or is_loopback(name)

    def _own(self, host: str, headers: Headers) -> bool:
        """Whether it comes from a page of the service or of the origins, or from no page at all."""
        origin = headers.get("origin")
        if origin is not None and _listed(origin, self.origins):
            return True
        site = headers.get("sec-fetch-site")  # browsers tell it themselves, no page can
        if site is not None:
            return site in ("same-origin", "none")
        return origin is None or urlsplit(origin).netloc == host


def anonymous(settings: ServiceSettings, address: str) -> Anonymous:
    """As the settings say, for a service that listens on `address`."""
    local = is_loopback(address)
    allowed = local if settings.anonymous is None else settings.anonymous
    writes = local if settings.anonymous_writes is None else settings.anonymous_writes
    caller = Caller(ANONYMOUS, settings.anonymous_collections, writes) if allowed else None
    hosts = settings.allowed_hosts
    return Anonymous(caller, hosts if local or hosts else None, settings.cors_origins)


def is_loopback(host: str) -> bool:
    """Whether an address or name is one that only this machine itself can reach."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _name(host: str) -> str:
    """The name of a Host header, without its port and the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".").lower()


def _listed(origin: str, origins: Collection[str]) -> bool:
    return origin in origins or ANY in origins
