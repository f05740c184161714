"""Which addresses are the public internet, and which lead into somebody's house."""

import ipaddress

# https://www.iana.org/assignments/iana-ipv4-special-registry: all that is not the public internet,
# and the one public address at which a cloud (Azure) serves secrets to its own machines.
_NOT_PUBLIC_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    ]
)
# Global unicast is 2000::/3 alone, so that mapped, translated, local and link-local addresses are
# out without being named; of it, tunnels (which carry an IPv4 address within), tests, documentation.
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]
)


def is_public(address: str) -> bool:
    """Whether an address, as a resolver wrote it, is one of the public internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_IPV4)
    return parsed in _GLOBAL_IPV6 and not any(parsed in network for network in _NOT_PUBLIC_IPV6)
