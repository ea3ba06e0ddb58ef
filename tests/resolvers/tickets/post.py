"""A mailbox that mail is posted to, and what became of it."""

import time
from dataclasses import dataclass
from typing import Any

from crm_graph.auth.sealing import Sealer
from crm_graph.db.session import Database
from crm_graph.jobs import due
from crm_graph.mail.signing import signature
from tests.resolvers.tickets.world import World, row_id

BOX, KEY, SERVER = "support@shop.example", b"a key of a mailbox, of thirty-two", "mx.shop.example"
SECRET = "quokkaberry"
PASSED = f"Authentication-Results: {SERVER}; dmarc=pass header.from={{domain}}\n"
_numbers = iter(range(10**6))


@dataclass
class Post:
    """A mailbox of the demo organisation that mail is posted to."""

    world: World
    id: str
    sealer: Sealer
    database: Database

    def written(
        self,
        sender: str,
        text: str,
        *,
        proven: bool = True,
        to: str = BOX,
        subject: str = "The display is dark",
        more: str = "",
    ) -> bytes:
        passed = PASSED.format(domain=sender.rpartition("@")[2]) if proven else ""
        return (
            f"{passed}{more}From: Ann <{sender}>\nTo: {to}\nSubject: {subject}\n"
            f"Message-ID: <{next(_numbers)}@mail.example>\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        ).encode()

    async def send(
        self,
        raw: bytes,
        *,
        key: bytes = KEY,
        now: float | None = None,
        box: str | None = None,
        signed: bytes | None = None,
    ) -> Any:
        given = signature(key, int(now if now is not None else time.time()), signed if signed is not None else raw)
        headers = {"x-mailbox": box or self.id, "x-mail-signature": given, "content-type": "message/rfc822"}
        return await self.world.api.request("POST", "/mail/inbound", content=raw, headers=headers)

    async def came(self, sender: str, text: str, **more: Any) -> Any:
        """What became of a mail, once the worker has dealt with it."""
        raw = self.written(sender, text, **more)
        assert (await self.send(raw)).status == 202
        return await self.worked()

    async def worked(self) -> Any:
        sql = "UPDATE timers SET due_at = now() + interval '1 day' WHERE kind <> 'mail.receive'"
        await self.world.connection.execute(sql)
        await due.do_once(self.database)
        assert (
            await self.world.value("SELECT count(*) FROM timers WHERE kind = 'mail.receive' AND failed_at IS NOT NULL")
            == 0
        )
        assert await self.world.value("SELECT max(attempts) FROM timers WHERE kind = 'mail.receive'") in (None, 0)
        return await self.world.connection.fetchrow(
            "SELECT * FROM incoming_mails ORDER BY done_at DESC NULLS LAST, id DESC LIMIT 1"
        )

    async def sent(self) -> list[Any]:
        """Mails kept to be sent since this was last asked."""
        found = await self.world.connection.fetch("SELECT * FROM outgoing_mails ORDER BY created_at, id")
        await self.world.connection.execute("DELETE FROM outgoing_mails")
        return list(found)

    async def ticket(self, row: Any) -> Any:
        shown = """id number subject channel status unverifiedSender tags reopenCount customer { id name email stage }
          messages(first: 50, orderBy: [{sentAt: ASC}]) { nodes { public side channel body } }"""
        return await self.world.seen(f"tic_{row.hex}", by="service_agent", shown=shown)


async def address(world: World) -> str:
    """The address of the customer whom the persona is."""
    found: str = await world.value("SELECT lower(email) FROM customers WHERE id = $1", row_id(world.customer))
    return found
