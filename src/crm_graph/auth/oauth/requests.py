"""What clients send to OAuth's endpoints: each parameter once, within limits, in characters that OAuth knows."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from starlette.requests import Request

from crm_graph.auth.sign_in.form import posted
from crm_graph.errors import BadRequest

MOST_BYTES: Final = 40_000
MOST_FIELDS: Final = 50
LONGEST_QUERY: Final = 8_000
_TEXT: Final = re.compile(r"[ -~]*")


class Payload(OAuth2Payload):
    """Parameters by name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @property
    def data(self) -> dict[str, str]:
        return self._values

    @property
    def datalist(self) -> dict[str, list[str]]:
        return defaultdict(list, {name: [value] for name, value in self._values.items()})


class OAuthRequest(OAuth2Request):
    """A request as Authlib reads it. Its URI is built from the issuer, never from what the client says of itself."""

    payload: Payload

    def __init__(
        self, method: str, uri: str, values: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(method, uri, headers=headers or {})
        self.payload = Payload(values)

    @property
    def args(self) -> dict[str, str | None]:
        return {} if self.method == "POST" else dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data if self.method == "POST" else {}


def parameters(text: str) -> dict[str, str]:
    """The parameters of a query or form; raises BadRequest for one that is there twice (RFC 6749, 3.1 and 3.2).

    What OAuth allows in them is printable ASCII; an empty parameter is as one left out.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest("The parameters cannot be read.") from None
    return _each_once((name, value) for name, value in pairs if value)


def _each_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise BadRequest("A parameter is there twice.")
        if not (_TEXT.fullmatch(name) and _TEXT.fullmatch(value)):
            raise BadRequest("A parameter has characters that are none of printable ASCII.")
        found[name] = value
    return found


async def form(request: Request) -> dict[str, str]:
    """The parameters of a posted form. Raises BadRequest, BodyTooLarge."""
    return parameters(await posted(request, MOST_BYTES))


def query(request: Request) -> dict[str, str]:
    """The parameters of the query. Raises BadRequest."""
    text = request.url.query
    if len(text) > LONGEST_QUERY:
        raise BadRequest("The query is too long.")
    return parameters(text)
