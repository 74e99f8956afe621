"""Images from addresses that callers give, without letting them look into private networks.

What counts is not how an address is written but where a connection goes: every socket is made by
one function, which looks at the numbers that it will connect to. So no spelling of a host (digits
of other scripts, octal, a name that changes its answer) and no redirect leads around it.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import aiohttp
from aiohttp import AddrInfoType, ThreadedResolver
from yarl import URL

from samesense.serving.errors import ApiError, bad_request, too_large
from samesense.serving.options import FetchOptions

IpAddress = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]
TRANSLATED = ip_network("64:ff9b::/96")
"""IPv6 addresses behind which a gateway reaches any IPv4 address (RFC 6052)."""
GIVEN_OUT = ip_network("2000::/3")
"""All that is public of IPv6; outside of it lie the ways to write IPv4, and networks of old."""
CLOSED = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services
        "192.0.0.0/24",  # for protocols; a cloud keeps its metadata there
    )
)
"""What Python takes for public and is not."""
CHUNK_BYTES = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)


class Fetcher:
    """Reads images from the web; made within the event loop that uses it."""

    def __init__(self, options: FetchOptions, *, max_bytes: int) -> None:
        """Read at most ``max_bytes`` of each image."""
        self.options, self.max_bytes = options, max_bytes
        connector = aiohttp.TCPConnector(
            resolver=ThreadedResolver(), socket_factory=self._socket_to
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def fetch(self, url: str, *, param: str) -> bytes:
        """Return the bytes that lie at an address.

        Raises:
            ApiError: 400 if addresses are not fetched here, or it does not answer with an image;
                403 if it leads into a private network; 413 if there are too many bytes.
        """
        if not self.options.enabled:
            raise bad_request(
                f"{param}: this service fetches no addresses; send the image itself, as a data "
                "URI or an upload",
                param=param,
            )
        try:
            async with asyncio.timeout(self.options.timeout_s):
                return await self._follow(URL(url), param=param)
        except TimeoutError:
            raise bad_request(
                f"{param}: no whole image within {self.options.timeout_s:g} s", param=param
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.EACCES:
                raise _forbidden(param) from None
            raise bad_request(
                f"{param}: the address gives no image: {type(error).__name__}", param=param
            ) from None

    async def _follow(self, url: URL, *, param: str) -> bytes:
        for _ in range(self.options.redirects + 1):
            _check(url, param=param)
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status not in REDIRECTS:
                    return await self._read(answer, param=param)
                url = url.join(URL(answer.headers.get("Location", "")))
        raise bad_request(
            f"{param}: more than {self.options.redirects} redirects, which is the limit",
            param=param,
        )

    def _socket_to(self, target: AddrInfoType) -> socket.socket:
        """Return a socket for a connection, if it may be made.

        Raises:
            PermissionError: if it leads into a private network.
        """
        family, kind, protocol, _, (host, *_) = target
        if not is_allowed(_address(str(host)), self.options.allowed_networks):
            raise PermissionError(errno.EACCES, "not a public address")
        return socket.socket(family, kind, protocol)

    async def _read(self, answer: aiohttp.ClientResponse, *, param: str) -> bytes:
        if answer.status != 200:
            raise bad_request(f"{param}: the address answers {answer.status}", param=param)
        data = bytearray()
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            data += chunk
            if len(data) > self.max_bytes:
                raise too_large(
                    f"{param}: over {self.max_bytes:,} bytes, which is the limit", param=param
                )
        return bytes(data)


def is_allowed(address: IpAddress, networks: Networks) -> bool:
    """Tell whether an address is public, or in one of these networks."""
    if any(address in network for network in networks):
        return True
    inner = _inner(address)
    if inner is not None:
        return is_allowed(inner, networks)
    if any(address in network for network in CLOSED):
        return False
    if isinstance(address, IPv6Address) and address not in GIVEN_OUT:
        return False
    return address.is_global and not address.is_multicast


def _inner(address: IpAddress) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _check(url: URL, *, param: str) -> None:
    if url.scheme not in ("http", "https") or not url.host:
        raise _forbidden(param)
    if url.user is not None or url.password is not None:
        raise bad_request(f"{param}: an address with a user's name is not fetched", param=param)


def _address(host: str) -> IpAddress:
    """Return the address that a socket is given, without the zone of a link."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:  # a spelling that only the system's own connect would read
        raise PermissionError(errno.EACCES, "not an address as it is written by all") from None


def _forbidden(param: str) -> ApiError:
    return ApiError(
        403, "forbidden_address", f"{param}: the address is not of a public web server", param
    )
