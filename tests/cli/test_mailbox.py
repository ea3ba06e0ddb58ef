"""`crm-graph mailbox`: secrets are shown once or never, and lie sealed."""

from pathlib import Path

import pytest

from crm_graph.auth.sealing import Sealer
from crm_graph.errors import ValueInvalid
from crm_graph.jobs.mailboxes import Mailbox
from crm_graph.settings import Settings
from tests.cli.commands import command
from tests.cli.test_client import rows
from tests.cli.test_user import FIRST


def test_mailboxes_are_added_listed_and_removed(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("--database-url", database_url)
    command("user", *FIRST, *where)
    where = (*where, "--data-dir", str(tmp_path))
    monkeypatch.setenv("CRM_GRAPH_IMAP_PASSWORD", "the password")
    imap = ("--imap", "imap.shop.example:1993", "--trusted-server", "MX.shop.example")
    fetched = command("mailbox", "add", "Support@shop.example", *imap, *where)
    assert fetched.exit_code == 0, fetched.output
    assert "the password" not in fetched.output
    posted = command("mailbox", "add", "help@shop.example", *where)
    assert "No server is trusted" in posted.output
    key = posted.output.partition("shown this once: ")[2].split()[0]

    sealer = Sealer(Settings(data_dir=tmp_path).sealing_key_texts())
    kept = {row["address"]: row for row in rows(database_url, "mailboxes")}
    assert {name: Mailbox.of(row).opened(sealer).decode() for name, row in kept.items()} == {
        "support@shop.example": "the password",
        "help@shop.example": key,
    }
    assert all(b"the password" not in row["secret"] and key.encode() not in row["secret"] for row in kept.values())
    shown = command("mailbox", "list", *where).output
    assert f"posted mbx_{kept['help@shop.example']['id'].hex}\tsenders checked by nobody" in shown
    assert "imap imap.shop.example:1993\tsenders checked by mx.shop.example" in shown
    assert key not in shown

    for wrong in ("help@shop.example", "no address", "a+b@shop.example", f"{'x' * 40}@shop.example"):
        refused = command("mailbox", "add", wrong, *where)
        assert isinstance(refused.exception, ValueInvalid), wrong
    assert len(rows(database_url, "mailboxes")) == 2
    assert "removed" in command("mailbox", "remove", "help@shop.example", *where).output
    assert isinstance(command("mailbox", "remove", "help@shop.example", *where).exception, ValueInvalid)
    assert [row["address"] for row in rows(database_url, "mailboxes")] == ["support@shop.example"]
