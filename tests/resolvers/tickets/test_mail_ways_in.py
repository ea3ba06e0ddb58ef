"""How mail comes in: posted by who has the key of a mailbox, or fetched from a server that may hang."""

import asyncio
import re
import time

import pytest

from crm_graph.jobs import fetching, mailboxes
from tests.resolvers.tickets.post import SERVER, Post, address

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_posts_signs(post: Post) -> None:
    """A wrong key, time, body or mailbox is answered alike, and leaves nothing."""
    raw = post.written("a@b.example", "Hello")
    kept = await post.world.value("SELECT count(*) FROM incoming_mails")
    never = f"mbx_{'0' * 32}"
    refusals = [
        await post.send(raw, key=b"another"),
        await post.send(raw, now=time.time() - 400),
        await post.send(raw, now=time.time() + 400),
        await post.send(raw, signed=raw + b"!"),
        await post.send(raw, box=never),
        await post.send(raw, box="nonsense"),
        await post.world.api.request("POST", "/mail/inbound", content=raw),
    ]
    assert {(answer.status, answer.codes[0]) for answer in refusals} == {(401, "SIGNATURE_INVALID")}
    assert len({answer.body for answer in refusals}) == 1
    assert [(a.status, a.codes) for a in [await post.send(b"")]] == [(400, ["BAD_REQUEST"])]
    assert (await post.send(b"x" * 25_000_001)).codes == ["BODY_TOO_LARGE"]
    assert await post.world.value("SELECT count(*) FROM incoming_mails") == kept


class Imap:
    """An IMAP server with some mails; it may hang up after so many of them."""

    def __init__(self, mails: dict[int, bytes], validity: int = 7) -> None:
        self.mails, self.validity, self.dies_after, self.given = mails, validity, 10**6, 0
        self.writes: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readline()).decode().strip():
            tag, _, said = line.partition(" ")
            verb = said.upper()
            if verb.startswith("CAPABILITY"):
                writer.write(b"* CAPABILITY IMAP4rev1\r\n")
            elif verb.startswith("LOGIN"):
                assert said == 'LOGIN ann "the password"', said
            elif verb.startswith(("SELECT", "STORE", "UID STORE")):
                self.writes.append(said)
            elif verb.startswith("EXAMINE"):
                writer.write(f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n".encode())
            elif verb.startswith("UID SEARCH"):
                start = int(found[1]) if (found := re.search(r"UID (\d+):\*", said[4:])) else 0
                last = max(self.mails, default=0)
                uids = [uid for uid in self.mails if uid >= start or (start and uid == last)]
                writer.write(f"* SEARCH {' '.join(map(str, uids))}\r\n".encode())
            elif verb.startswith("UID FETCH"):
                uid = int(said.split()[2])
                raw = self.mails[uid]
                if "SIZE" in verb:
                    writer.write(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(raw)})\r\n".encode())
                else:
                    self.given += 1
                    if self.given > self.dies_after:
                        break
                    writer.write(f"* 1 FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
            writer.write(f"{tag} OK done\r\n".encode())
            await writer.drain()
        writer.close()


class Hanging:
    """A server that takes connections and says nothing."""

    def __init__(self) -> None:
        self.open: list[asyncio.StreamWriter] = []

    async def __call__(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.append(writer)

    def end(self) -> None:
        for writer in self.open:
            writer.close()


async def test_mail_is_fetched_once_and_a_mailbox_is_left_as_it_is(
    post: Post, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off in the middle, and when the server gives its UIDs anew, each mail still becomes one ticket."""
    world, ann = post.world, await address(post.world)
    server = Imap({uid: post.written(ann, f"Fetched {uid}.") for uid in (3, 5, 9)})
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    request.addfinalizer(listening.close)
    imap = ("127.0.0.1", listening.sockets[0].getsockname()[1], "ann", "INBOX")
    async with post.database.transaction(world.organization, None, "test") as tx:
        connection = await tx.raw()
        await mailboxes.add(
            connection,
            post.sealer,
            world.organization,
            "imap@shop.example",
            b"the password",
            imap=imap,
            trusted_server=SERVER,
        )

    async def fetched(workers: int = 1) -> int:
        await world.connection.execute("UPDATE mailboxes SET due_at = now()")
        each = [fetching.fetch_once(post.database, post.sealer, 10_000, tls=False) for _ in range(workers)]
        return sum(await asyncio.gather(*each))

    hanging = await asyncio.start_server(hang := Hanging(), "127.0.0.1", 0)
    request.addfinalizer(hanging.close)
    there = ("127.0.0.1", hanging.sockets[0].getsockname()[1], "bob", "INBOX")
    async with post.database.transaction(world.organization, None, "test") as tx:
        await mailboxes.add(await tx.raw(), post.sealer, world.organization, "bob@shop.example", b"it", imap=there)
    await world.connection.execute("UPDATE mailboxes SET due_at = now() - interval '1 hour' WHERE username = 'bob'")
    monkeypatch.setattr(fetching, "SECONDS", 2.0)
    server.dies_after = 1
    async with asyncio.timeout(20):
        assert await fetched() == 1, "another server that does not answer holds up nothing"
    sql = "SELECT last_error FROM mailboxes WHERE username = 'bob'"
    assert await world.value(sql) == "TimeoutError"
    hang.end()
    await world.connection.execute("DELETE FROM mailboxes WHERE username = 'bob'")
    assert await world.value("SELECT last_error FROM mailboxes WHERE host IS NOT NULL") is not None
    server.dies_after = 10**6
    assert await fetched(workers=2) == 2
    assert await fetched() == 0
    server.validity, server.mails = 8, {uid + 100: raw for uid, raw in server.mails.items()}
    server.mails[200] = b"From: a@b.example\n\n" + b"x" * 20_000  # too large: left there, and not in the way
    server.mails[201] = post.written(ann, "The last.")
    assert await fetched() == 1
    await post.worked()
    sql = "SELECT body FROM ticket_messages WHERE body LIKE 'Fetched %' OR body = 'The last.' ORDER BY body"
    assert [row["body"] for row in await world.connection.fetch(sql)] == [
        "Fetched 3.",
        "Fetched 5.",
        "Fetched 9.",
        "The last.",
    ]
    assert server.writes == []
    secret = await world.value("SELECT secret FROM mailboxes WHERE host IS NOT NULL")
    assert b"the password" not in secret
    await post.sent()
