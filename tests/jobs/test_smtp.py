"""Handing mail over by TLS, by STARTTLS and with a password, to a server that captures it; and to whom none is handed."""

import asyncio
import base64
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crm_graph.mail import smtp as module
from crm_graph.mail.outbox import Mail
from crm_graph.mail.smtp import Smtp, lasting, send

LOGIN = base64.b64encode(b"\0crm@example.com\0p:ss@word").decode()


MAIL = Mail("ann@example.com", "Hello", "the text\n")


@dataclass
class Capturing:
    """A server that offers STARTTLS and AUTH as told, and notes what it was told over which connection."""

    context: ssl.SSLContext
    starttls: bool = True
    heard: list[tuple[bool, str]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # the client did not like the certificate, and went
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().strip():
            secure = writer.get_extra_info("ssl_object") is not None
            self.heard.append((secure, line))
            match line.split(maxsplit=1)[0].upper():
                case "EHLO":
                    offers = [
                        *(["STARTTLS"] if self.starttls and not secure else []),
                        *(["AUTH PLAIN"] if secure else []),
                    ]
                    answer = "\r\n".join([*(f"250-{offer}" for offer in ["test", *offers]), "250 8BITMIME"])
                case "STARTTLS":
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    await writer.start_tls(self.context)
                    reader._transport = writer.transport  # type: ignore[attr-defined]
                    continue
                case "AUTH":
                    answer = "235 yes" if line.split()[-1] == LOGIN else "535 no"
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    self.bodies.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                    answer = "250 kept"
                case "QUIT":
                    answer = "221 bye"
                case _:
                    answer = "250 ok"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()


@dataclass
class Certified:
    """A server's TLS context for 127.0.0.1, and the file by which clients come to trust it."""

    context: ssl.SSLContext
    authority: Path


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(alternative, critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path, secret = tmp_path / "server.pem", tmp_path / "key.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, secret)
    return Certified(context, path)


@pytest.fixture
def trusted(certified: Certified, monkeypatch: pytest.MonkeyPatch) -> Certified:
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
    return certified


@asynccontextmanager
async def capturing(certified: Certified, scheme: str, **options: bool) -> AsyncIterator[tuple[Capturing, Smtp]]:
    found = Capturing(certified.context, **options)
    tls = certified.context if scheme == "smtps" else None
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield found, Smtp.of(f"{scheme}://crm%40example.com:p%3Ass%40word@127.0.0.1:{port}", "crm@example.com")
    finally:
        server.close()


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_mail_and_the_password_go_encrypted(trusted: Certified, scheme: str) -> None:
    async with capturing(trusted, scheme) as (server, smtp):
        await send(smtp, "id@crm-graph", MAIL)
    assert len(server.bodies) == 1
    assert "the text" in server.bodies[0]
    plain = [line for secure, line in server.heard if not secure]
    assert [line.split()[0].upper() for line in plain] == ([] if scheme == "smtps" else ["EHLO", "STARTTLS"])
    assert any(line.startswith("AUTH PLAIN") for _, line in server.heard)


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_server_that_is_not_the_named_one_gets_nothing(certified: Certified, scheme: str) -> None:
    async with capturing(certified, scheme) as (server, smtp):
        with pytest.raises((OSError, aiosmtplib.SMTPException)) as raised:
            await send(smtp, "id@crm-graph", MAIL)
    assert not lasting(raised.value), "it may be put right"
    assert server.bodies == []
    assert not any("AUTH" in line or "ann" in line for _, line in server.heard)


async def test_who_does_not_offer_encryption_gets_nothing(trusted: Certified) -> None:
    async with capturing(trusted, "smtp", starttls=False) as (server, smtp):
        with pytest.raises(aiosmtplib.SMTPException) as raised:
            await send(smtp, "id@crm-graph", MAIL)
    assert not lasting(raised.value)
    assert [line.split()[0].upper() for _, line in server.heard if "QUIT" not in line] == ["EHLO"]


async def test_a_wrong_password_is_tried_again_later(trusted: Certified) -> None:
    async with capturing(trusted, "smtps") as (server, smtp):
        wrong = Smtp(smtp.scheme, smtp.host, smtp.port, smtp.user, "wrong", smtp.sender)
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as raised:
            await send(wrong, "id@crm-graph", MAIL)
    assert not lasting(raised.value)
    assert server.bodies == []


async def test_a_server_that_never_answers_does_not_hold_up_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    monkeypatch.setattr(module, "_SECONDS_IN_ALL", 0.2)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    smtp = Smtp.of(f"smtp+plain://127.0.0.1:{server.sockets[0].getsockname()[1]}", "crm@example.com")
    with pytest.raises(TimeoutError) as raised:
        await send(smtp, "id@crm-graph", MAIL)
    assert not lasting(raised.value)
    gone.set()
    server.close()
