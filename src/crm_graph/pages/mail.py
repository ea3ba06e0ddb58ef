"""`/dev/mail`: what would be sent, for who tries the demo out. It is there in demo mode only."""

import html
from typing import Final

import asyncpg
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from crm_graph.db.connection import connect
from crm_graph.db.roles import Role

_LAST: Final = """
SELECT created_at, recipient, sender, reply_to, subject, body, sent_at
  FROM outgoing_mails ORDER BY created_at DESC, id DESC LIMIT 50"""
_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Outgoing mail</title>
<style>body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}
article{border-top:1px solid #ccc;padding:1rem 0}</style></head><body><h1>Outgoing mail</h1>%s</body></html>"""


def routes(database_url: str) -> list[Route]:
    """The page, read from the database that the demo runs on."""

    async def mails(_request: Request) -> Response:
        connection = await connect(database_url, Role.READER)
        try:
            found = await connection.fetch(_LAST)
        finally:
            await connection.close()
        shown = "".join(_article(mail) for mail in found) or "<p>Nothing yet.</p>"
        return HTMLResponse(_PAGE % shown, headers={"cache-control": "no-store", "content-security-policy": _POLICY})

    return [Route("/dev/mail", mails)]


_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def _article(mail: asyncpg.Record) -> str:
    state = f"sent {mail['sent_at']:%H:%M:%S}" if mail["sent_at"] else "kept here until a mail server is set"
    body = mail["body"] if mail["body"] is not None else "(the text is removed when a mail is sent)"
    further = "".join(
        f"<br>{name} {html.escape(mail[column])}"
        for name, column in (("From", "sender"), ("Reply to", "reply_to"))
        if mail[column]
    )
    return (
        f"<article><h2>{html.escape(mail['subject'])}</h2><p>To {html.escape(mail['recipient'])},"
        f" {mail['created_at']:%Y-%m-%d %H:%M:%S}, {state}{further}</p><pre>{html.escape(body)}</pre></article>"
    )
