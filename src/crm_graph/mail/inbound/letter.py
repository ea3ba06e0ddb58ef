"""What a mail comes to, once it is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a mail, named and typed as its sender did; `inline` are pictures within its text."""

    name: str
    media_type: str
    content: bytes
    inline: bool


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a server says about a mail that it could not deliver; `failed` is false while it goes on trying."""

    failed: bool
    recipient: str
    said: str
    """Status and what the server answered, in one line."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail. All texts are what PostgreSQL can hold; addresses are lower case."""

    sender: str | None
    """The one address it is from; `None` where it names none, or several."""
    sender_name: str
    recipients: tuple[str, ...]
    """Whom it was sent and delivered to."""
    subject: str
    message_id: str | None
    """Without its angle brackets."""
    answers: tuple[str, ...]
    """Message-IDs of mails that it answers, the nearest first; of a bounce, those of what came back."""
    text: str
    """What is new in it: without what it quotes, and without its signature. Empty where there is no text."""
    files: tuple[File, ...]
    automatic: bool
    """Nobody wrote it: an automatic answer, a notice, a receipt."""
    bulk: bool
    """It came by a list, or asks that nothing automatic be sent."""
    bounce: Bounce | None
    results: tuple[str, ...]
    """What servers on the way found out about its sender, from the last server down to its first (RFC 8601)."""
