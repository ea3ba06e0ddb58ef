"""Requests to a provider: what an organisation's administrator names is not trusted with our own network.

Only https and public addresses, and the connection goes to the address that was looked at; no redirects, no long
answers, and nothing of an answer is ever shown. A setting allows private addresses, and plain http to this machine.
"""

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
import orjson

from crm_graph.errors import JSON, CrmError

logger = logging.getLogger("crm_graph.auth.upstream")

MOST_BYTES: Final = 500_000
SECONDS: Final = 10.0


class ProviderUnreachable(CrmError):
    """The OpenID provider did not answer, or not as OpenID providers do."""

    code = "PROVIDER_UNREACHABLE"
    status = 502

    def __init__(self) -> None:
        super().__init__("The other side did not answer as it should. Try again later, or sign in another way.")


class Fetching:
    """Sends requests and gives the JSON objects they are answered.

    `private`: also to private addresses; `ca_file`: PEM of authorities that are trusted besides the usual ones. Raises
    ValueError where it has none.
    """

    def __init__(self, *, private: bool, ca_file: Path | None = None) -> None:
        self._private = private
        self._verify = httpx.create_ssl_context(trust_env=False)
        if ca_file is not None:
            try:
                self._verify.load_verify_locations(cafile=ca_file)
            except ssl.SSLError:
                raise ValueError(f"{ca_file} has no certificates: CRM_GRAPH_PROVIDER_CA_FILE is PEM") from None

    async def get(self, url: str, token: str | None = None) -> dict[str, JSON]:
        """The object at an address; with a bearer token. Raises ProviderUnreachable."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self._object("GET", url, headers, None)

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> dict[str, JSON]:
        """The object that a form is answered. Raises ProviderUnreachable, also for an error that is answered."""
        return await self._object("POST", url, headers, body)

    async def _object(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> dict[str, JSON]:
        try:
            async with asyncio.timeout(SECONDS):
                status, text = await self._sent(method, httpx.URL(url), headers, body)
            found = orjson.loads(text)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, UnicodeError, ValueError) as error:
            logger.warning("a provider at %s: %s", _named(url), _why(error))
            raise ProviderUnreachable from None
        if status != 200 or not isinstance(found, dict):
            logger.warning("a provider at %s answered %s", _named(url), status)
            raise ProviderUnreachable
        return found

    async def _sent(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: str | None
    ) -> tuple[int, bytes]:
        target = url.copy_with(host=await self._address(url), fragment=None)
        given = {"accept": "application/json", **headers, "host": url.netloc.decode("ascii")}
        if body is not None:
            given["content-type"] = "application/x-www-form-urlencoded"
        async with httpx.AsyncClient(verify=self._verify, trust_env=False, timeout=SECONDS) as client:
            request = client.build_request(
                method, target, headers=given, content=body, extensions={"sni_hostname": url.host}
            )
            response = await client.send(request, stream=True)
            try:
                text = b""
                async for chunk in response.aiter_bytes():
                    text += chunk
                    if len(text) > MOST_BYTES:
                        raise ValueError("the answer is too long")
            finally:
                await response.aclose()
        return response.status_code, text

    async def _address(self, url: httpx.URL) -> str:
        """The address to connect to. Raises ValueError for one that is not allowed."""
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=1)
        addresses = [ipaddress.ip_address(str(one[4][0])) for one in found]
        if not addresses:
            raise ValueError("no address")
        if url.scheme != "https" and not (
            self._private and url.scheme == "http" and all(a.is_loopback for a in addresses)
        ):
            raise ValueError("https is needed")
        if not self._private and not all(a.is_global for a in addresses):
            raise ValueError("a public address is needed")
        return str(addresses[0])


def _why(error: BaseException) -> str:
    """What went wrong, for the log: of a certificate what is wrong with it, of all else only the kind."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _named(url: str) -> str:
    """The address for the log, without what may be secret."""
    return url.partition("?")[0][:200]
