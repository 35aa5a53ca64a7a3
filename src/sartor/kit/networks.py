"""Which IP addresses are the public internet, however they are written.

The closed IPv4 networks and the open part of IPv6 follow IANA's special-purpose address registries (RFC 6890 and its
updates). They are listed here, and not left to ``ipaddress.is_global``, whose answers differ between Python releases.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

_CLOSED_4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a public address by the registry, but a cloud's platform service on its machines
        "169.254.0.0/16",  # link-local; clouds' metadata at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
# Everything outside is loopback, unique-local, link-local, multicast, IPv4 in a disguise, or unassigned.
_OPEN_6 = IPv6Network("2000::/3")
_CLOSED_6 = [
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo (IPv4 inside) among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 (IPv4 inside)
        "3fff::/20",  # documentation
    )
]
# A network without IPv4 of its own reaches IPv4 through these: the address behind it is the one that counts.
_NAT64 = IPv6Network("64:ff9b::/96")

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def literal(host: str) -> IPAddress | None:
    """The address that ``host`` writes out, or None where it is a name.

    IPv4 counts in every form that connecting would take: ``127.0.0.1``, ``127.1``, ``2130706433``, ``0x7f.1``. Raises
    ValueError for what looks like an address and is none; ``host`` is in lower case.
    """
    if ":" in host:
        return IPv6Address(host)
    if _NUMBER.fullmatch(host.rpartition(".")[2]) is None:
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        raise ValueError(f"{host} is no IPv4 address") from None


def permitted(address: IPAddress, allowed: Sequence[IPNetwork]) -> bool:
    """Whether ``address`` is on the public internet or in one of the ``allowed`` networks."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def networks(text: str) -> tuple[IPNetwork, ...]:
    """``10.0.0.0/8, fd00::/8, 192.0.2.7`` as networks. Raises ValueError for anything else, host bits included."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
