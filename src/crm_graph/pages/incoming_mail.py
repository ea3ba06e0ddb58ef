"""`POST /mail/inbound`: a mail as it is (MIME), from who has the key of a mailbox. What it becomes is done later."""

import secrets
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crm_graph.auth.sealing import Sealer
from crm_graph.db.ids import decode_as
from crm_graph.errors import BadRequest, CrmError
from crm_graph.graph.http import ClientDisconnected, read_body
from crm_graph.jobs import mailboxes
from crm_graph.jobs.incoming import keep
from crm_graph.mail.signing import is_signed
from crm_graph.pages.door import Door

PATH: Final = "/mail/inbound"


class SignatureInvalid(CrmError):
    """The mail is not signed by the key of a mailbox, or not now."""

    code = "SIGNATURE_INVALID"
    status = 401


class IncomingMail:
    """The way in for mail servers and providers that post what they get."""

    def __init__(self, door: Door, sealer: Sealer, most_bytes: int) -> None:
        self._door, self._sealer, self._most = door, sealer, most_bytes

    def routes(self) -> list[Route]:
        """The one path."""
        return [Route(PATH, self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """Keep one mail: 202, whether it is new or known."""
        try:
            await self._receive(request)
        except CrmError as error:
            return JSONResponse({"errors": [error.to_graphql()]}, error.status)
        except ClientDisconnected:
            return Response(status_code=400)
        return JSONResponse({"received": True}, 202)

    async def _receive(self, request: Request) -> None:
        """Raises SignatureInvalid, BodyTooLarge, BadRequest, UnknownHost, ServiceUnavailable."""
        here = await self._door.organization(request)
        id_ = decode_as(mailboxes.PREFIX, request.headers.get("x-mailbox", ""))
        given = request.headers.get("x-mail-signature", "")
        raw = await read_body(request.receive, self._most, dict(request.scope["headers"]).get(b"content-length"))
        async with self._door.database.transaction(here.organization_id, None, "mail") as tx:
            box = await mailboxes.mailbox(await tx.raw(), here.organization_id, id_) if id_ is not None else None
            box = None if box is None or box.host is not None else box
            # an unknown mailbox is answered as a wrong signature is
            key = box.opened(self._sealer) if box is not None else secrets.token_bytes(32)
            if not is_signed(key, given, time.time(), raw) or box is None:
                raise SignatureInvalid("The mail is not signed by the key of this mailbox, or not now.")
            if not raw.strip():
                raise BadRequest("There is no mail in the body.")
            await keep(tx, box.organization_id, box.id, raw)
