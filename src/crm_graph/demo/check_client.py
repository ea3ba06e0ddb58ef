"""A caller of the running server, with nothing but the standard library, as any program of a user's would be."""

import http.client
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

SECONDS: Final = 30
SHOWN: Final = 600


class Unreachable(Exception):
    """The server does not answer, or not in JSON."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one operation."""

    status: int
    data: object
    errors: list[dict[str, object]]

    def at(self, *path: str | int) -> object:
        """The value at a path of the data; `None` where it ends on the way."""
        value = self.data
        for step in path:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def codes(self) -> list[str]:
        """The codes of the errors."""
        return [str(self._extensions(error).get("code")) for error in self.errors]

    def denied(self) -> set[str]:
        """The coordinates of the fields that were denied."""
        found = map(self._extensions, self.errors)
        return {str(one.get("coordinate")) for one in found if one.get("code") == "FIELD_ACCESS_DENIED"}

    def __str__(self) -> str:
        body: dict[str, object] = {"data": self.data} if self.data is not None else {}
        if self.errors:
            body["errors"] = [
                {"message": e.get("message"), "code": self._extensions(e).get("code")} for e in self.errors
            ]
        text = json.dumps(body, ensure_ascii=False)
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"

    @staticmethod
    def _extensions(error: dict[str, object]) -> dict[str, object]:
        found = error.get("extensions")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody with a token, or nobody in particular if it is empty."""

    address: str
    token: str

    def ask(self, query: str, variables: dict[str, object] | None = None) -> Answer:
        """Send an operation. Raises Unreachable."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        status, text = self._send("POST", "/graphql", body)
        try:
            found = json.loads(text)
        except ValueError:
            raise Unreachable(f"POST /graphql answered {status} and no JSON: {text[:200]!r}") from None
        return Answer(status, found.get("data"), found.get("errors") or [])

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page. Raises Unreachable."""
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        target = urlsplit(self.address)
        headers = {"content-type": "application/json"} if body is not None else {}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        connection = http.client.HTTPConnection(target.hostname or "127.0.0.1", target.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{method} {path} was not answered: {error!r}") from None
        finally:
            connection.close()
