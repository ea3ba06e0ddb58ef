"""What counts as one address."""

from ipaddress import IPv6Address, ip_address

from starlette.requests import Request


def address_of(request: Request) -> str:
    """Where a request comes from, as attempts are counted."""
    return network(request.client.host if request.client else None)


def network(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or the 64 bits of IPv6 that one subscriber has."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return address or "local"
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)
