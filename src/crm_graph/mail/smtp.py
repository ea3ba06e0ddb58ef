"""Handing a mail to an SMTP server, which CRM_GRAPH_SMTP_URL names."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final
from urllib.parse import unquote, urlsplit

_PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_SECONDS: Final = 20


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


def send(smtp: Smtp, message_id: str, recipient: str, subject: str, body: str) -> None:
    """Hand one mail over; blocks. Raises OSError or smtplib.SMTPException.

    A mail handed over twice, because we died in between, has the same Message-ID both times.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = smtp.sender, recipient, subject
    message["Date"], message["Message-ID"] = formatdate(), f"<{message_id}@crm-graph>"
    message.set_content(body)
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=_SECONDS, context=context)
        if smtp.scheme == "smtps"
        else smtplib.SMTP(smtp.host, smtp.port, timeout=_SECONDS)
    ) as server:
        if smtp.scheme == "smtp":
            server.starttls(context=context)
        if smtp.user:
            server.login(smtp.user, smtp.password)
        server.send_message(message, to_addrs=[recipient])  # what the header reads as is another matter


def lasting(error: Exception) -> bool:
    """Whether trying again cannot help: the server knows the address and will not have it (5xx)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, ValueError | UnicodeError | smtplib.SMTPNotSupportedError)
