"""Handing a mail to an SMTP server, which CRM_GRAPH_SMTP_URL names."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import Policy
from email.utils import formatdate
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from crm_graph.mail.outbox import Mail

_PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_SECONDS: Final = 20
_SECONDS_IN_ALL: Final = 120
"""However slowly a server answers, a mail takes no longer: the others wait for it."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where mail is handed over. `scheme`: `smtps` is TLS from the start, `smtp` STARTTLS, `smtp+plain` none."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    sender: str

    @classmethod
    def of(cls, url: str, sender: str) -> "Smtp":
        """From `smtp://user:password@host:port`. Raises ValueError with a sentence."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"a mail server is named like smtp://user:password@host:587 ({', '.join(_PORTS)})")
        return cls(
            parts.scheme,
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            sender,
        )


class _Ids(str):
    """A header of Message-IDs; the library would break up those that are longer than a line, which nobody reads."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str, ids: Sequence[str]) -> Self:
        made = super().__new__(cls, " ".join(f"<{one}>" for one in ids))
        made.name = name
        return made

    def fold(self, *, policy: Policy) -> str:
        """One id a line."""
        return f"{self.name}: {f'{policy.linesep} '.join(self.split())}{policy.linesep}"


async def send(smtp: Smtp, message_id: str, mail: Mail) -> None:
    """Hand one mail over. Raises OSError, TimeoutError, ValueError or aiosmtplib.SMTPException.

    A mail handed over twice, because we died in between, has the same Message-ID both times.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail.sender or smtp.sender, mail.recipient, mail.subject
    message["Date"], message["Message-ID"] = formatdate(), f"<{message_id}>"
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    if mail.answers:
        message["In-Reply-To"] = _Ids("In-Reply-To", mail.answers[-1:])
        message["References"] = _Ids("References", mail.answers)
    if mail.automatic:
        message["Auto-Submitted"] = "auto-replied"
    message.set_content(mail.body)
    async with asyncio.timeout(_SECONDS_IN_ALL):
        await aiosmtplib.send(
            message,
            sender=mail.reply_to or None,  # what cannot be delivered is said there
            recipients=[mail.recipient],  # what the header reads as is another matter
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.user or None,
            password=smtp.password if smtp.user else None,
            use_tls=smtp.scheme == "smtps",
            start_tls=smtp.scheme == "smtp",
            tls_context=None if smtp.scheme == "smtp+plain" else ssl.create_default_context(),
            timeout=_SECONDS,
        )


def lasting(error: Exception) -> bool:
    """Whether trying again cannot help: the server knows the address and will not have it (5xx)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(500 <= one.code < 600 for one in error.recipients)
    # without STARTTLS or AUTH a server is set up wrongly today; without SMTPUTF8 it cannot write to the address
    unwritable = isinstance(error, aiosmtplib.SMTPNotSupported) and "SMTPUTF8" in error.message
    # a certificate that is not trusted is both a ValueError and an OSError
    return unwritable or (isinstance(error, ValueError) and not isinstance(error, OSError))
