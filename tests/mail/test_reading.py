"""Mail as it comes: real ones, hand-made ones, and bytes that are none. Reading never fails."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_graph.mail.inbound import Letter, identity, read
from crm_graph.mail.inbound.authenticity import is_authentic, results

LETTERS = Path(__file__).parent / "letters"


def letter(name: str) -> Letter:
    return read((LETTERS / f"{name}.eml").read_bytes())


def cpythons() -> list[Path]:
    """The messages of CPython's own tests, where this Python has them installed."""
    try:
        found = importlib.util.find_spec("test.test_email")
    except ModuleNotFoundError:
        return []
    places = found.submodule_search_locations if found and found.submodule_search_locations else []
    return sorted(path for place in places for path in (Path(place) / "data").glob("msg_*.txt"))


def check(found: Letter) -> None:
    """Whatever it was read from, a database can hold it."""
    texts = [found.sender or ";", found.sender_name, found.subject, found.text, found.message_id or ""]
    texts += [*found.recipients, *found.answers, *(text for one in found.files for text in (one.name, one.media_type))]
    for text in texts:
        assert "\0" not in text
        text.encode("utf-8")
    assert len(found.subject) <= 500
    assert len(found.text) <= 200_000


TEXTS = {
    "gmail_reply": "It is the big model – the one with two doors.",
    "outlook_html": "Guten Tag,\n\ndas Gerät läuft wieder. Siehe Bild <https://firma.example/bild>.",
    "outlook_text": "Danke, es geht.",
    "french_apple": "Oui, merci !",
    "french_wrote": "Toujours pas.",
    "interleaved": "> Which model?\nThe big one.\n> Since when?\nSince Monday.",
    "inline_picture": "See the picture: [the crack]",
    "invitation": "Please join.\n\nInvitation: Review, second\nWhen: 2026-12-01 10:00 (Europe/Berlin) to 2026-12-01 11:00"
    " (Europe/Berlin)\nWhere: Room 5\nFrom: bob@example.com",
    "broken_encodings": "Grüße, it is broken.",
    "out_of_office": "I am away.",
}


def test_texts_are_what_is_new() -> None:
    assert {name: letter(name).text for name in TEXTS} == TEXTS


def test_headers_say_who_and_what_is_answered() -> None:
    found = letter("gmail_reply")
    assert (found.sender, found.sender_name) == ("ann@example.com", "Ann Example")
    assert found.recipients == ("support+abcdefghijklmnopqrstuvwx@shop.example",)
    assert (found.message_id, found.answers) == (
        "gmail-2@mail.example.com",
        ("ours-1@crm-graph", "first@mail.example.com"),
    )
    assert letter("outlook_html").subject == "AW: Rückfrage"
    assert letter("broken_encodings").sender_name == "É"
    assert letter("two_senders").sender is None
    files = [(f.name, f.media_type, len(f.content), f.inline) for f in letter("inline_picture").files]
    assert files == [("crack.png", "image/png", 8, True), ("Rechnung März.pdf", "application/pdf", 8, False)]


def test_what_nobody_wrote_is_known() -> None:
    assert [letter(name).automatic for name in ("out_of_office", "newsletter", "bounce", "gmail_reply")] == [
        True,
        True,
        True,
        False,
    ]
    bounce = letter("bounce")
    assert bounce.bounce is not None
    assert (bounce.bounce.failed, bounce.bounce.recipient) == (True, "gone@example.com")
    assert bounce.bounce.said == "5.1.1 550 5.1.1 no such user"
    assert bounce.answers == ("0123@crm-graph",)
    delayed = (LETTERS / "bounce.eml").read_bytes().replace(b"Action: failed", b"Action: delayed")
    assert (found := read(delayed).bounce) is not None
    assert not found.failed


def test_forwarded_mail_is_kept() -> None:
    body = b"From: a@b.example\n\nSee below.\n\n---------- Forwarded message ---------\nFrom: x@y.example\nDate: today\nSubject: s\n\nHelp!\n"
    assert read(body).text.endswith("Help!")
    assert read(b"From: a@b.example\n\n> only a quote\n").text == "> only a quote"


@pytest.mark.parametrize(
    ("fields", "trusted", "authentic"),
    [
        (["mx.ours.example; dmarc=pass header.from=example.com"], "mx.ours.example", True),
        (["mx.ours.example; dkim=pass header.d=example.com; spf=fail"], "mx.ours.example", True),
        (["mx.ours.example; spf=pass smtp.mailfrom=ann@example.com"], "MX.ours.example", True),
        (["mx.ours.example; dkim=pass header.d=evil.example"], "mx.ours.example", False),
        (["mx.ours.example; dkim=pass header.d=com"], "mx.ours.example", False),
        (
            ["mx.ours.example; dkim=pass header.d=example.com; dmarc=fail header.from=example.com"],
            "mx.ours.example",
            False,
        ),
        (["mx.evil.example; dmarc=pass header.from=example.com"], "mx.ours.example", False),
        ([";mx.ours.example", "mx.ours.example; dmarc=pass"], "mx.ours.example", True),
        ([";store.ours.example", "mx.ours.example; dmarc=pass", ";mx.ours.example"], "mx.ours.example", True),
        # under the servers that the mail came through before it was ours
        ([";mx.ours.example", ";a", "mx.ours.example; dmarc=pass"], "mx.ours.example", False),
        ([";a", ";b", "mx.ours.example; dmarc=pass"], "mx.ours.example", False),
        (["mx.ours.example; dmarc=none", ";mx.ours.example", "mx.ours.example; dmarc=pass"], "mx.ours.example", False),
        (["mx.ours.example; none", ";", "mx.ours.example; dmarc=pass"], "mx.ours.example", False),
        (
            ['mx.ours.example; spf=fail smtp.mailfrom="x; dmarc=pass header.from=example.com"@evil.example'],
            "mx.ours.example",
            False,
        ),
        (["mx.ours.example; spf=fail (; dmarc=pass header.from=example.com)"], "mx.ours.example", False),
        (["(mx.ours.example) mx.evil.example; dmarc=pass"], "mx.ours.example", False),
    ],
)
def test_only_the_trusted_server_says_who_wrote(fields: list[str], trusted: str, *, authentic: bool) -> None:
    assert is_authentic(tuple(fields), "ann@example.com", trusted) is authentic


def test_fields_are_read_from_the_top() -> None:
    import email

    raw = "Authentication-Results: a; none\nReceived: x\nAuthentication-Results: b; none\nSubject: s\n\n"
    assert results(email.message_from_string(raw)) == ("a; none", ";", "b; none")


def test_a_mail_is_known_again_whichever_way_it_comes() -> None:
    raw = (LETTERS / "gmail_reply.eml").read_bytes()
    again = b"Received: from x\nDelivered-To: support@shop.example\n" + raw.replace(b"\n", b"\r\n") + b"\r\n"
    assert identity(again) == identity(raw)
    assert identity(raw.replace(b"big", b"bad")) != identity(raw), "a Message-ID alone suppresses no other mail"


def test_the_mails_of_cpythons_own_tests_are_read() -> None:
    """Where this Python was installed with its tests; the hand-made ones above hold everywhere."""
    found = {path.name: read(path.read_bytes()) for path in cpythons()}
    for one in found.values():
        check(one)
    if found:
        assert found["msg_01.txt"].text == "Hi,\n\nDo you like this message?\n\n-Me"
        assert found["msg_16.txt"].bounce is not None


HOSTILE = {
    "comments": b"From: " + b"(" * 50_000 + b"\n\nx",
    "parameters": b"Content-Type: a" + b";b=a" * 20_000 + b"\n\nx",
    "tags": b"Content-Type: text/html\n\n" + b"<div>" * 50_000,
    "boundaries": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(300)),
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 1_500,
    "a slow codec": b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 300_000,
    "a long line": b"From: a@b.example\n\n" + b"On a" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_take_long_does_not(name: str) -> None:
    check(read(HOSTILE[name]))  # each took minutes, or failed, before there were bounds


SEEDS = [path.read_bytes() for path in sorted(LETTERS.glob("*.eml"))]
PIECES = st.sampled_from(
    [b"\0", b"\xff", b"\n", b"\r\n\r\n", b"=?utf-8?q?=00?=", b"<", b'"', b"(", b"--b1", b"\xed\xa0\x80", b";", b"@"]
)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.tuples(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 2_000), PIECES), max_size=8)),
    )
)
def test_no_bytes_whatever_stop_it(given_bytes: object) -> None:
    if isinstance(given_bytes, bytes):
        raw = given_bytes
    else:
        raw, edits = given_bytes  # type: ignore[misc]
        for place, piece in edits:
            raw = raw[:place] + piece + raw[place + 1 :]
    check(read(raw))
    assert len(identity(raw)) == 32
