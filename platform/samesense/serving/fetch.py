"""Images from addresses that callers give, without letting them look into private networks.

A host's name is resolved once, and the connection goes to the very address that was checked, so a
name that changes its answer (DNS rebinding) gains nothing. Every redirect is checked anew.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from samesense.serving.errors import ApiError, bad_request, too_large
from samesense.serving.options import FetchOptions

IpAddress = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]
TRANSLATED = ip_network("64:ff9b::/96")
"""IPv6 addresses behind which a gateway reaches any IPv4 address (RFC 6052)."""
CHUNK_BYTES = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)


class Fetcher:
    """Reads images from the web; made within the event loop that uses it."""

    def __init__(self, options: FetchOptions, *, max_bytes: int) -> None:
        """Read at most ``max_bytes`` of each image."""
        self.options, self.max_bytes = options, max_bytes
        connector = aiohttp.TCPConnector(resolver=_PublicOnly(options.allowed_networks))
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
                return await self._follow(url, param=param)
        except TimeoutError:
            raise bad_request(
                f"{param}: no whole image within {self.options.timeout_s:g} s", param=param
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise bad_request(
                f"{param}: the address gives no image: {type(error).__name__}", param=param
            ) from None

    async def _follow(self, url: str, *, param: str) -> bytes:
        for _ in range(self.options.redirects + 1):
            self._check(url, param=param)
            async with self._session.get(url, allow_redirects=False) as answer:
                if answer.status not in REDIRECTS:
                    return await self._read(answer, param=param)
                url = urljoin(url, answer.headers.get("Location", ""))
        raise bad_request(
            f"{param}: more than {self.options.redirects} redirects, which is the limit",
            param=param,
        )

    def _check(self, url: str, *, param: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _forbidden(param)
        if parts.username or parts.password:
            raise bad_request(f"{param}: an address with a password is not fetched", param=param)
        try:
            literal = ip_address(parts.hostname)
        except ValueError:
            return  # a name: the connector resolves and checks it
        if not is_allowed(literal, self.options.allowed_networks):
            raise _forbidden(param)

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
    return address.is_global and not address.is_multicast


def _inner(address: IpAddress) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


class _PublicOnly(AbstractResolver):
    """Resolves names, and keeps the answers that may be asked."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        allowed = [
            answer for answer in found if is_allowed(ip_address(_bare(answer)), self._networks)
        ]
        if not allowed:
            raise _forbidden(host)
        return [
            ResolveResult(
                hostname=host,
                host=str(answer[4][0]),
                port=port,
                family=answer[0],
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for answer in allowed
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _bare(answer: tuple[Any, ...]) -> str:
    """Return an answer's address without the zone of a link."""
    return str(answer[4][0]).partition("%")[0]


def _forbidden(param: str) -> ApiError:
    return ApiError(
        403, "forbidden_address", f"{param}: the address is not of a public web server", param
    )
