"""Requests without a key, by host and by the site whose page sent them."""

from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from service.access import Caller, HostRefused, KeyRefused, SiteRefused
from service.anonymous import anonymous, is_loopback
from service.settings import ServiceSettings

LOCAL, WORLD = "127.0.0.1", "0.0.0.0"


def admit(
    address: str = LOCAL,
    method: str = "POST",
    host: str = "localhost",
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> Caller:
    """Whom a request is answered as."""
    given = ServiceSettings(index=Path("none"), **settings)
    sent = Headers({"host": host, **(headers or {})})
    return anonymous(given, address).admit(method, sent)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_open(address: str):
    assert is_loopback(address)
    assert admit(address) == Caller("anonymous", None, writes=True)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.4", "10.0.0.1", "2001:db8::1"])
def test_other_addresses_are_closed(address: str):
    assert not is_loopback(address)
    with pytest.raises(KeyRefused, match="`ragfirst keys create NAME` makes one"):
        admit(address)


def test_loopback_can_be_closed():
    with pytest.raises(KeyRefused):
        admit(anonymous=False)


def test_other_addresses_can_be_opened_for_reading():
    assert admit(WORLD, anonymous=True) == Caller("anonymous", None, writes=False)


def test_other_addresses_can_be_opened_for_writing():
    assert admit(WORLD, anonymous=True, anonymous_writes=True).writes


def test_loopback_can_be_opened_for_reading_only():
    assert not admit(anonymous_writes=False).writes


def test_collections_can_be_kept_for_those_with_a_key():
    caller = admit(anonymous_collections="wiki, pdf")
    assert caller.collections == {"wiki", "pdf"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1:8000", "127.1.2.3", "[::1]:80"]
)
def test_the_machine_goes_by_the_names_of_loopback(host: str):
    admit(host=host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example@localhost",
        "192.168.1.4",
        "[::2]",
        "[evil",
        "testserver",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_other_name_leads_to_it(host: str, method: str):
    with pytest.raises(HostRefused, match="RAGFIRST_ALLOWED_HOSTS"):
        admit(method=method, host=host)


def test_a_name_can_be_allowed():
    names = "rag.example, other.example"
    admit(host="rag.example:443", allowed_hosts=names)
    admit(host="localhost", allowed_hosts=names)
    with pytest.raises(HostRefused):
        admit(host="evil.example", allowed_hosts=names)


def test_any_name_can_be_allowed():
    admit(allowed_hosts="*", host="evil.example")


def test_a_service_opened_to_others_goes_by_any_name():
    admit(WORLD, anonymous=True, host="rag.example")


def test_a_service_opened_to_others_can_be_held_to_its_names():
    admit(WORLD, host="rag.example", anonymous=True, allowed_hosts="rag.example")
    with pytest.raises(HostRefused):
        admit(WORLD, host="evil.example", anonymous=True, allowed_hosts="rag.example")


OWN = "localhost:8000"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8000"},
        {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        # A proxy that gives the request another host: the browser knows better.
        {"origin": "https://rag.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_its_own_page_and_programs_may_change_things(headers: dict[str, str]):
    assert admit(host=OWN, headers=headers).writes


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost:8000.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost:8000", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_page_of_another_site_may_not(headers: dict[str, str]):
    for method in ("POST", "PUT", "DELETE"):
        with pytest.raises(SiteRefused, match="RAGFIRST_CORS_ORIGINS"):
            admit(method=method, host=OWN, headers=headers)


def test_a_page_of_another_site_may_link_to_it():
    admit(method="GET", host=OWN, headers={"sec-fetch-site": "cross-site"})


@pytest.mark.parametrize(
    "origins", ["https://app.example/", "http://x.example,https://app.example", "*"]
)
def test_a_site_can_be_let_in(origins: str):
    sent = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}
    admit(host=OWN, headers=sent, cors_origins=origins)


@pytest.mark.parametrize("origin", ["app.example", "https://app.example/page", "https://", "null"])
def test_what_is_no_site_is_refused(origin: str):
    with pytest.raises(ValueError, match="write it as https://example.org"):
        ServiceSettings(cors_origins=origin)  # pyright: ignore[reportArgumentType]
