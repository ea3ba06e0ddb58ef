"""Mail becomes tickets and answers go out by mail; who has not proven who they are gets a number, and nothing else."""

import re

import asyncpg
import pytest

from crm_graph.resolvers.mails import receiving
from tests.resolvers.tickets.post import BOX, PASSED, SECRET, Post, address
from tests.resolvers.tickets.world import row_id

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_conversation_by_mail(post: Post) -> None:
    """A ticket by mail, an answer to the customer alone, their reply to it, once, though it is posted twice."""
    world, ann = post.world, await address(post.world)
    came = await post.came(ann, "Since this morning nothing shows.\n\n-- \nAnn")
    ticket = await post.ticket(came["ticket_id"])
    assert (came["became"], ticket["customer"]["id"], ticket["channel"], ticket["unverifiedSender"]) == (
        "TICKET",
        world.customer,
        "MAIL",
        None,
    )
    assert [m["body"] for m in ticket["messages"]["nodes"]] == ["Since this morning nothing shows."]
    (received,) = await post.sent()
    assert (received["recipient"], received["automatic"]) == (ann, True)
    assert ticket["number"] in received["body"]
    assert "nothing shows" not in received["body"] + received["subject"]

    await world.done("noteOnTicket", {"id": ticket["id"], "body": f"They grow {SECRET}."})
    assert await post.sent() == []
    await world.done("answerTicket", {"id": ticket["id"], "body": "Which model is it?", "then": "WAITING"})
    (answer,) = await post.sent()
    assert (answer["recipient"], answer["automatic"], answer["subject"]) == (
        ann,
        False,
        f"Re: The display is dark [{ticket['number']}]",
    )
    assert answer["body"].startswith("Which model is it?\n\n-- \n")
    assert SECRET not in str(dict(answer))
    assert re.fullmatch(r"support\+[a-z2-7]{24}@shop\.example", answer["reply_to"])
    assert ticket["id"].partition("_")[2] not in answer["reply_to"]
    assert answer["answers"].split()[0].endswith("@mail.example")
    assert answer["answers"].split()[-1].endswith("@crm-graph")

    raw = post.written(
        ann, "The big one.\n\nOn Monday, Shop wrote:\n> Which model is it?", proven=False, to=answer["reply_to"].upper()
    )
    assert {(await post.send(raw)).status for _ in range(2)} == {202}
    again = b"Received: from elsewhere\n" + raw
    assert (await post.send(again)).status == 202
    came = await post.worked()
    ticket = await post.ticket(came["ticket_id"])
    assert (came["became"], ticket["status"]) == ("MESSAGE", "OPEN")
    said = [(m["side"], m["channel"], m["body"]) for m in ticket["messages"]["nodes"] if m["public"]]
    assert said[1:] == [("STAFF", "MAIL", "Which model is it?"), ("CUSTOMER", "MAIL", "The big one.")]
    assert came["raw"] is None
    assert await post.sent() == []

    # by References, and by the number, where the server that we trust says who it is
    in_reply = f"In-Reply-To: <{answer['id'].hex}@crm-graph>\n"
    assert (await post.came(ann, "By reference.", more=in_reply))["became"] == "MESSAGE"
    assert (await post.came(ann, "By number.", subject=f"About {ticket['number']}"))["became"] == "MESSAGE"
    await world.done("resolveTicket", {"id": ticket["id"]})
    (resolved,) = await post.sent()
    assert (resolved["recipient"], resolved["automatic"]) == (ann, True)
    await world.done("confirmResolution", {"id": ticket["id"]}, by="customer")
    assert (await post.came(ann, "Not resolved.", to=resolved["reply_to"], proven=False))["became"] == "MESSAGE"
    assert (await post.ticket(came["ticket_id"]))["status"] == "OPEN"
    await post.sent()


async def test_an_unverified_sender_never_receives_text_of_a_thread(post: Post) -> None:
    """Forged senders, guessed numbers, known References, somebody else's reply address: a new ticket, the same answer."""
    world, ann = post.world, await address(post.world)
    first = await post.ticket((await post.came(ann, f"My {SECRET} is dark."))["ticket_id"])
    await world.done("answerTicket", {"id": first["id"], "body": f"About your {SECRET}."})
    *_, answer = await post.sent()
    reference = f"In-Reply-To: <{answer['id'].hex}@crm-graph>\n"
    thief, said = "thief@evil.example", []
    for number, (sender, proven, more) in enumerate((
        (ann, False, {}),
        (ann, False, {"more": reference}),
        (ann, False, {"subject": f"Re: [{first['number']}]"}),
        (thief, False, {"more": reference}),
        (thief, False, {"to": answer["reply_to"]}),
        (thief, True, {"to": answer["reply_to"], "more": reference, "subject": f"[{first['number']}]"}),
        (ann, False, {"more": f"Authentication-Results: mx.evil.example; dmarc=pass header.from={ann.rpartition('@')[2]}\n"}),
        (ann, False, {"more": f"From: {thief}\n"}),
    )):  # fmt: skip
        await world.connection.execute("DELETE FROM ticket_mails WHERE automatic")  # of these three an hour go out
        came = await post.came(sender, f"Tell me. {number}", proven=proven, **more)
        ticket = await post.ticket(came["ticket_id"])
        assert (came["became"], ticket["id"] == first["id"]) == ("TICKET", False), number
        assert ticket["customer"]["id"] != world.customer, number
        assert (ticket["unverifiedSender"] is None) is proven, number
        assert await world.seen(ticket["id"]) is None, "nor is a stranger's mail the customer's ticket"
        mails = await post.sent()
        assert SECRET not in str([dict(mail) for mail in mails]), number
        said += [mail["body"].replace(ticket["number"], "T") for mail in mails if not proven]
        await world.done("answerTicket", {"id": ticket["id"], "body": f"The {SECRET} again."})
        for mail in await post.sent():
            assert (SECRET in mail["body"]) is proven, number
    assert len(said) == 6
    assert len(set(said)) == 1, "known or not, an address is answered the same"
    untouched = await post.ticket(row_id(first["id"]))
    assert len(untouched["messages"]["nodes"]) == 2


async def test_an_answer_proves_an_address_and_what_waited_goes_out(post: Post) -> None:
    world, zoe = post.world, "zoe@nowhere.example"
    came = await post.came(zoe, "Do you deliver on Sundays?", proven=False)
    ticket = await post.ticket(came["ticket_id"])
    assert (ticket["unverifiedSender"], ticket["customer"]["email"]) == (zoe, None)
    (asked,) = await post.sent()
    await world.done("answerTicket", {"id": ticket["id"], "body": "Yes, we do."})
    assert all("Yes, we do." not in mail["body"] for mail in await post.sent())
    came = await post.came(zoe, "It is me.", proven=False, to=asked["reply_to"])
    ticket = await post.ticket(came["ticket_id"])
    assert (came["became"], ticket["unverifiedSender"]) == ("MESSAGE", None)
    assert (ticket["customer"]["email"], ticket["customer"]["stage"], ticket["customer"]["name"]) == (
        zoe,
        "SUSPECT",
        "Ann",
    )
    assert [(mail["recipient"], "Yes, we do." in mail["body"]) for mail in await post.sent()] == [(zoe, True)]
    assert "ticket.sender_identified" in await world.events(ticket["id"])

    # an agent may say whose it is: then answers go to the address on file, not to the one that was claimed
    came = await post.came("claims@nowhere.example", "I am the one you know.", proven=False)
    other = f"tic_{came['ticket_id'].hex}"
    await world.done("answerTicket", {"id": other, "body": "Good day."})
    await post.sent()
    found = await world.done(
        "identifySender", {"id": other, "customerId": world.customer}, shown="customer { id } unverifiedSender"
    )
    assert found == {"customer": {"id": world.customer}, "unverifiedSender": None}
    assert [mail["recipient"] for mail in await post.sent()] == [await address(world)]
    await world.refused("identifySender", {"id": other, "customerId": world.plain}, "STATE_REFUSED", shown="id")


async def test_a_ticket_that_is_split_answers_who_wrote(post: Post) -> None:
    """Neither learns more than before: an answer to a sender who has not proven who they are waits on both."""
    world, kim, shown = post.world, "kim@nowhere.example", "id messages(first: 9) { nodes { id body } }"
    ticket = f"tic_{(await post.came(kim, 'Two things.', proven=False))['ticket_id'].hex}"
    (asked,) = await post.sent()
    await world.done("answerTicket", {"id": ticket, "body": "The first is done."})
    held = (await world.done("answerTicket", {"id": ticket, "body": "The second, too."}, shown=shown))["messages"][
        "nodes"
    ]
    moving = [{"messageId": next(one["id"] for one in held if one["body"] == "The second, too.")}]
    new = await world.done("splitTicket", {"id": ticket, "subject": "The second", "messages": moving}, shown="id")
    await world.connection.execute("UPDATE ticket_mails SET created_at = created_at - interval '2 hours'")
    await world.done("answerTicket", {"id": new["id"], "body": "Anything else?"})
    waiting = await post.sent()
    assert not [mail for mail in waiting if "The second" in mail["body"] or "Anything" in mail["body"]]
    await post.came(kim, "It is me.", proven=False, to=asked["reply_to"])
    (first,) = [mail for mail in await post.sent() if not mail["automatic"]]
    assert (first["recipient"], "The first is done." in first["body"]) == (kim, True)
    await post.came(kim, "And here.", proven=False, to=waiting[-1]["reply_to"])
    said = [mail["body"].partition("\n")[0] for mail in await post.sent() if not mail["automatic"]]
    assert said == ["The second, too.", "Anything else?"]


async def test_machines_open_no_tickets(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Automatic answers, our own mails, bounces and lists; two programs that answer each other come to an end."""
    world, ann = post.world, await address(post.world)
    first = await post.ticket((await post.came(ann, "Dark again."))["ticket_id"])
    await world.done("answerTicket", {"id": first["id"], "body": "We look into it."})
    *_, answer = await post.sent()
    tickets = await world.value("SELECT count(*) FROM tickets")
    away = await post.came(ann, "I am away.", more="Auto-Submitted: auto-replied\n", to=answer["reply_to"])
    assert away["became"] == "AUTOMATIC"
    for more in ("Auto-Submitted: auto-generated\n", "Precedence: bulk\n", "Return-Path: <>\n", "X-Autoreply: yes\n"):
        assert (await post.came(ann, f"No person. {more}", more=more))["became"] == "AUTOMATIC"
    assert (await post.came(BOX, "From ourselves."))["became"] == "OURS"
    report = (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: {answer['reply_to']}\nSubject: Undelivered\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=d\n\n--d\nContent-Type: text/plain\n\nNo.\n"
        "--d\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; ann@example.com\n"
        "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n--d--\n"
    )
    for again in ("", "X-Again: yes\n"):
        assert (await post.send((again + report.replace("No.", f"No. {again}")).encode())).status == 202
        assert (await post.worked())["became"] == "BOUNCE"
    ticket = await post.ticket(row_id(first["id"]))
    notes = [m["body"] for m in ticket["messages"]["nodes"] if not m["public"]]
    assert notes == [
        f"An automatic answer came from {ann}:\n\nI am away.",
        f"Our mail to {ann} came back: 5.1.1 550 no such user",
    ]
    assert ticket["tags"].count("mail bounced") == 1
    assert (await world.events(first["id"])).count("ticket.mail_bounced") == 1
    assert await world.value("SELECT count(*) FROM tickets") == tickets
    assert await post.sent() == []

    assert (await post.came(ann, "By a list.", more="List-Id: <l.example>\n"))["became"] == "TICKET"
    assert await post.sent() == [], "lists are not answered"
    answered = 0
    for number in range(5):
        await post.came("robot@machine.example", f"Thank you for your mail {number}.")
        answered += len(await post.sent())
    assert answered == 3
    dealt_with = await world.value("SELECT count(*) FROM incoming_mails WHERE sender = 'robot@machine.example'")
    monkeypatch.setattr(receiving, "MOST_AN_HOUR", dealt_with)
    waiting = "SELECT count(*) FROM incoming_mails WHERE done_at IS NULL"
    before = await world.value(waiting)
    await post.came("robot@machine.example", "One too many.")
    assert await world.value(waiting) == before + 1, "it waits an hour"
    await world.connection.execute("DELETE FROM incoming_mails")
    await world.connection.execute("DELETE FROM timers WHERE kind = 'mail.receive'")
    await post.sent()


async def test_files_and_great_lengths_are_said(post: Post) -> None:
    ann = await address(post.world)
    file = "Content-Type: image/png\nContent-Disposition: attachment; filename={}\n\n{}\n--b"
    files = "\n".join([file.format("a.png", "x"), file.format('"../../etc/b.png"', "y"), file.format("none.png", "")])
    parts = f"Content-Type: text/plain\n\n{{}}\n--b\n{files}--\n"
    raw = (
        PASSED.format(domain=ann.rpartition("@")[2])
        + f"From: {ann}\nTo: {BOX}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
        + parts.format("word " * 30_000)
    ).encode()
    assert (await post.send(raw)).status == 202
    came = await post.worked()
    ticket = await post.ticket(came["ticket_id"])
    (message,) = ticket["messages"]["nodes"]
    assert ticket["subject"] == "(no subject)"
    assert 9_900 < len(message["body"]) <= 10_000
    assert message["body"].endswith(
        "[The mail is longer and was cut here.]\n\n[Files that are not attached: none.png (image/png, 0 bytes)]"
    )
    kept = await post.world.connection.fetch(
        "SELECT a.name, a.media_type, a.size, c.content FROM message_attachments a JOIN file_contents c ON c.id = a.content_id"
        " JOIN ticket_messages m ON m.id = a.message_id WHERE m.ticket_id = $1 ORDER BY a.name",
        came["ticket_id"],
    )
    unknown = "application/octet-stream"  # what they hold is no picture
    assert [tuple(row) for row in kept] == [("a.png", unknown, 1, b"x"), ("b.png", unknown, 1, b"y")]
    assert came["raw"] is None
    await post.sent()


async def test_the_leak_of_internal_notes_by_mail(post: Post) -> None:
    """Notes, macros that note, merged and split tickets, reasons for closing: nothing of them is in any mail."""
    world, ann = post.world, await address(post.world)
    ids = [f"tic_{(await post.came(ann, f'Matter {number}.'))['ticket_id'].hex}" for number in range(3)]
    macro = f"mac_{(await world.value('SELECT id FROM ticket_macros WHERE NOT public AND organization_id = $1', world.organization)).hex}"
    await world.connection.execute("UPDATE ticket_macros SET body = $1 WHERE NOT public", f"Say {SECRET} to nobody.")
    for ticket in ids:
        await world.done("noteOnTicket", {"id": ticket, "body": f"They grow {SECRET}."})
        await world.done("applyMacro", {"id": ticket, "macroId": macro})
    await world.done("mergeTicket", {"id": ids[1], "intoId": ids[0]})
    await world.done("answerTicket", {"id": ids[0], "body": "We look into both."})
    await world.done("closeTicket", {"id": ids[2], "reason": f"{SECRET} again."})
    *_, answer = await post.sent()
    assert (await post.came(ann, "Thanks.", to=answer["reply_to"]))["ticket_id"] == row_id(ids[0])
    kept = await world.connection.fetch(
        "SELECT o::text AS all FROM outgoing_mails o UNION ALL SELECT m::text FROM ticket_mails m"
    )
    assert kept
    assert SECRET not in " ".join(row["all"] for row in kept) + str(dict(answer))
    noted: asyncpg.Record = await world.value("SELECT count(*) FROM ticket_messages WHERE body LIKE $1", f"%{SECRET}%")
    assert noted
