"""Where a webhook may be sent to: pure rules on URLs and on the addresses that their hosts resolve to.

Whoever makes us send something must not reach what only we can reach (server-side request forgery). Private networks
are where this product lives, so they are allowed unless the installation says otherwise; what a cloud keeps its
credentials behind (169.254.169.254 and its like) is never an address of a receiver.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from domain.errors import Invalid

_NAT64 = IPv6Network("64:ff9b::/96")
# Metadata services that are not link-local: AWS over IPv6, Alibaba, Oracle.
_METADATA = [ip_network(one) for one in ("fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32")]


class BadWebhookUrl(Invalid):
    """The URL is none that a webhook can be sent to."""

    code = "bad_webhook_url"


class AddressRefused(Invalid):
    """The host is at an address that webhooks are not sent to."""

    code = "webhook_address_refused"


def checked_url(url: str) -> SplitResult:
    """The parts of an http or https URL with a host, and without a user or a password in it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad(f"it cannot be read ({error})") from error
    if parts.scheme not in {"http", "https"}:
        raise _bad("it begins with neither http:// nor https://")
    if not parts.hostname:
        raise _bad("it has no host")
    if parts.username or parts.password:
        raise _bad("it has a user in it; the signature is the proof of who sends")
    if port == 0 or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise _bad("it has a port or a letter that no address has")
    return parts


def refuse_literal(url: str, *, private: bool) -> None:
    """Refuse a URL whose host is written as an address that is not sent to; names are looked up when it is sent."""
    host = checked_url(url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return
    refuse_address(address, private=private)


def refuse_address(address: IPv4Address | IPv6Address, *, private: bool) -> None:
    """Raises `AddressRefused`; `private` says whether private networks and this machine are allowed."""
    inner = _inside(address)
    if inner.is_link_local or any(inner in network for network in _METADATA):
        raise _refused("at a link-local address or a cloud's metadata service", None)
    if inner.is_multicast or inner.is_unspecified or (inner.is_reserved and not inner.is_loopback):
        raise _refused("at no address of a single server", None)
    if not private and not inner.is_global:
        raise _refused("in a private network", "Allow private networks with MILLRACE_WEBHOOKS_PRIVATE=true.")


def _inside(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _bad(why: str) -> BadWebhookUrl:
    return BadWebhookUrl(f"A webhook cannot be sent to this URL: {why}.", where="url", fix="Write https://HOST/PATH.")


def _refused(what: str, fix: str | None) -> AddressRefused:
    return AddressRefused(f"The receiver is {what}.", where="url", fix=fix)
