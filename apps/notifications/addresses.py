"""Which network addresses outgoing webhooks may reach: pure.

Whoever adds a webhook chooses where this server connects to. Only global unicast addresses are reached, unless the
installation lists a network: neither this machine nor its neighbours, nor what a cloud keeps on link-local addresses.
"""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")  # all of IPv6 that is routed between networks; also leaves out NAT64
NOT_GLOBAL: tuple[Network, ...] = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # protocol assignments
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4
    ipaddress.IPv6Network("2001::/23"),  # protocol assignments; Teredo carries any IPv4 address inside
    ipaddress.IPv6Network("2002::/16"),  # 6to4: carries any IPv4 address inside
    ipaddress.IPv6Network("3fff::/20"),  # documentation
)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks written as "10.1.0.0/16" or "2001:db8::/32". Raises ValueError for anything else."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def may_reach(text: str, allowed: Iterable[Network] = ()) -> bool:
    """Return whether a webhook may go to this numeric address: global unicast, or in one of the `allowed` networks."""
    try:
        address = _unwrapped(ipaddress.ip_address(text))
    except ValueError:
        return False
    return any(address in network for network in allowed) or _is_global_unicast(address)


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped one connects to; others as they are."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            raise ValueError(f"{address} names an interface of this machine")
        return address.ipv4_mapped or address
    return address


def _is_global_unicast(address: Address) -> bool:
    if any(address in network for network in NOT_GLOBAL):
        return False
    if address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL_IPV6:
        return False
    return address.is_global and not address.is_private
