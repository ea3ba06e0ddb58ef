"""Mail goes out once if its transaction commits, is tried again when the server is away, and is given up in the end."""

import asyncio
import email
import email.policy
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest

from crm_graph import app as application
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.roles import APPLICATION_LOGIN
from crm_graph.db.session import Database
from crm_graph.jobs.mails import MOST_ATTEMPTS, deliver, deliver_once
from crm_graph.mail.outbox import Mail, post
from crm_graph.mail.smtp import Smtp
from crm_graph.settings import Settings
from tests.jobs.test_worker import COMMAND, filled


@dataclass
class Captured:
    """A mail server that keeps what it is handed; `refuse` answers a recipient so, `reached` is set by who connects."""

    port: int = 0
    mails: list[Any] = field(default_factory=list)
    refuse: str = ""
    slow: float = 0.0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.set()
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().strip():
            match line.split(maxsplit=1)[0].upper():
                case "RCPT" if self.refuse:
                    answer = self.refuse
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    await asyncio.sleep(self.slow)
                    self.mails.append(
                        email.message_from_bytes(body[:-3].replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
                    )
                    answer = "250 kept"
                case "QUIT":
                    break
                case _:
                    answer = "250 ok"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
        writer.close()

    @property
    def smtp(self) -> Smtp:
        return Smtp.of(f"smtp+plain://127.0.0.1:{self.port}", "crm@example.com")


@asynccontextmanager
async def capturing() -> AsyncIterator[Captured]:
    found = Captured()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


@pytest.fixture
def login(embedded_server: EmbeddedServer, database_url: str) -> str:
    """The test's database as the application reaches it: by a login that may take the roles and nothing else."""
    name = database_url.rpartition("@/")[2].partition("?")[0]
    return embedded_server.database_url(name, APPLICATION_LOGIN)


MAIL = Mail("ann@example.com", "Grüße", "Line one\n.\nlast line: Ω\n")


async def kept(url: str, *mails: Mail) -> "asyncpg.Connection[asyncpg.Record]":
    admin, organization, _ = await filled(url)
    for mail in mails:
        await post(admin, organization, mail)
    return admin


async def test_a_mail_is_sent_once_by_however_many_workers(database_url: str, login: str) -> None:
    admin = await kept(database_url, MAIL, Mail("bob@example.com", "Two", "2"))
    async with capturing() as server:
        server.slow = 0.2
        sent = await asyncio.gather(*(deliver_once(login, server.smtp) for _ in range(3)))
        assert await deliver_once(login, server.smtp) == 0
    assert sum(sent) == 2
    assert sorted(m["To"] for m in server.mails) == ["ann@example.com", "bob@example.com"]
    [first] = [m for m in server.mails if m["To"] == "ann@example.com"]
    assert (first["Subject"], first["From"]) == ("Grüße", "crm@example.com")
    assert first.get_content().replace("\r\n", "\n") == MAIL.body
    rows = await admin.fetch("SELECT id, body, sent_at, attempts FROM outgoing_mails")
    assert [(r["body"], r["sent_at"] is not None, r["attempts"]) for r in rows] == [(None, True, 1)] * 2
    assert first["Message-ID"] in {f"<{r['id'].hex}@crm-graph>" for r in rows}
    await admin.close()


async def test_what_is_rolled_back_is_not_sent(database_url: str, login: str) -> None:
    admin, organization, _ = await filled(database_url)
    database = Database(login, 1)
    with pytest.raises(RuntimeError, match="no"):
        async with database.transaction(organization, None, "test") as tx:
            await post(await tx.raw(), organization, MAIL)
            raise RuntimeError("no")
    async with capturing() as server:
        assert await deliver_once(login, server.smtp) == 0
    assert server.mails == []
    await database.dispose()
    await admin.close()


async def test_a_server_that_is_away_is_tried_again_later_and_later(database_url: str, login: str) -> None:
    admin = await kept(database_url, MAIL)
    nowhere = Smtp.of("smtp+plain://127.0.0.1:9", "crm@example.com")
    waits = []
    for _ in range(MOST_ATTEMPTS - 1):
        assert await deliver_once(login, nowhere) == 0
        row = await admin.fetchrow("SELECT due_at - now() AS wait, body, failed_at, last_error FROM outgoing_mails")
        assert (row["body"], row["failed_at"]) == (MAIL.body, None)
        assert row["last_error"] == "SMTPConnectError"
        waits.append(row["wait"])
        assert await deliver_once(login, nowhere) == 0, "it is not due"
        await admin.execute("UPDATE outgoing_mails SET due_at = now()")
    assert waits == sorted(waits)
    assert waits[-1].total_seconds() <= 6 * 3600
    assert await deliver_once(login, nowhere) == 0
    row = await admin.fetchrow("SELECT body, failed_at, attempts FROM outgoing_mails")
    assert (row["body"], row["failed_at"] is not None, row["attempts"]) == (None, True, MOST_ATTEMPTS)
    await admin.close()


@pytest.mark.parametrize(("answer", "given_up"), [("550 no such mailbox", True), ("451 come back", False)])
async def test_what_the_server_says_decides(database_url: str, login: str, answer: str, given_up: bool) -> None:
    admin = await kept(database_url, MAIL)
    async with capturing() as server:
        server.refuse = answer
        assert await deliver_once(login, server.smtp) == 0
        row = await admin.fetchrow("SELECT failed_at, body, last_error FROM outgoing_mails")
        assert (row["failed_at"] is not None, row["body"] is None) == (given_up, given_up)
        assert MAIL.recipient not in row["last_error"]
        server.refuse = ""
        await admin.execute("UPDATE outgoing_mails SET due_at = now()")
        assert await deliver_once(login, server.smtp) == (0 if given_up else 1)
    await admin.close()


async def test_no_header_is_slipped_in(database_url: str, login: str) -> None:
    admin = await kept(database_url, Mail("ann@example.com\nBcc: eve@example.com", "Hello", "x"), MAIL)
    async with capturing() as server:
        assert await deliver_once(login, server.smtp) == 1
    assert [m["To"] for m in server.mails] == ["ann@example.com"]
    assert await admin.fetchval("SELECT count(*) FROM outgoing_mails WHERE failed_at IS NOT NULL") == 1
    await admin.close()


async def test_delivery_goes_on_until_it_is_stopped(database_url: str, login: str) -> None:
    admin, stop = await kept(database_url, MAIL), asyncio.Event()
    async with capturing() as server:
        running = asyncio.create_task(deliver(login, server.smtp, stop))
        async with asyncio.timeout(20):
            while not server.mails:
                await asyncio.sleep(0.02)
            stop.set()
            await running
    assert len(server.mails) == 1
    await admin.close()


async def test_each_organisation_s_mail_goes_out_in_turns(database_url: str, login: str) -> None:
    one = await kept(database_url, *(Mail(f"one{n}@example.com", "Hello", "x") for n in range(3)))
    other = await kept(database_url, Mail("other@example.com", "Hello", "x"))
    async with capturing() as server:
        assert await deliver_once(login, server.smtp) == 4
    assert {m["To"] for m in server.mails[:2]} >= {"other@example.com"}, "one does not wait for all of another's"
    assert (
        await one.fetchval("SELECT count(DISTINCT organization_id) FROM outgoing_mails WHERE sent_at > created_at") == 2
    )
    assert await one.fetchval("SELECT count(*) FROM outgoing_mails WHERE attempts <> 1 OR body IS NOT NULL") == 0
    await one.close()
    await other.close()


async def test_who_is_told_to_stop_sends_the_mail_in_hand_and_no_other(database_url: str, login: str) -> None:
    admin = await kept(database_url, MAIL, MAIL, MAIL)
    async with capturing() as server:
        await asyncio.wait_for(deliver(login, server.smtp, server.reached), 20)
        assert len(server.mails) == 1
        assert await admin.fetchval("SELECT count(*) FROM outgoing_mails WHERE sent_at IS NULL AND attempts = 0") == 2
        assert await deliver_once(login, server.smtp) == 2, "the others go out when it runs again"
    await admin.close()


async def test_the_command_sends_mail(database_url: str, login: str) -> None:
    admin = await kept(database_url, MAIL)
    async with capturing() as server:
        url = f"smtp+plain://127.0.0.1:{server.port}"
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "--once",
            "--database-url",
            login,
            env={**os.environ, "CRM_GRAPH_SMTP_URL": url},
            stdout=-1,
            stderr=-1,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    assert out.decode().splitlines()[-1] == "mail: sent 1"
    assert [m["To"] for m in server.mails] == [MAIL.recipient]
    await admin.close()


@pytest.mark.parametrize("url", ["http://example.com", "smtp://", "mail"])
def test_what_names_no_server(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://user:password@host"):
        Smtp.of(url, "crm@example.com")


async def test_the_page_of_mails_is_the_demo_s_only(database_url: str, login: str, tmp_path: Any) -> None:
    admin = await kept(database_url, Mail("ann@example.com", "<b>Hi</b>", "code"))
    for demo, status in ((True, 200), (False, 404)):
        settings = Settings(secret="a secret of at least 32 characters", data_dir=tmp_path, demo=demo)
        app = application.create_app(settings, login)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/dev/mail")
        assert answer.status_code == status
        assert ("&lt;b&gt;Hi&lt;/b&gt;" in answer.text) == demo
        assert "<b>Hi" not in answer.text
    await admin.close()
