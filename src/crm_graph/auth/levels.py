"""Levels and masks: the two words every other part of the access model is built from."""

import enum


class Level(enum.IntEnum):
    """Classification of a field, and clearance of a caller on a row; ordered, `PUBLIC` lowest."""

    PUBLIC = 10
    PARTNER = 20
    INTERNAL = 30
    CONFIDENTIAL = 40
    RESTRICTED = 50

    def below(self) -> "Level | None":
        """The next lower level, where a mask begins to show; `None` below `PUBLIC`."""
        return Level(self - 10) if self > Level.PUBLIC else None


class Category(enum.StrEnum):
    """What a field is about, where a grant may leave that out whatever the field's level."""

    COMMERCIAL = enum.auto()
    """What we earn: costs, margins, limits."""
    PERSONAL = enum.auto()
    """What concerns a human being alone."""
    PARTNER_COMMERCIAL = enum.auto()
    """What a partner earns: commissions and purchase prices."""


class Mask(enum.StrEnum):
    """What shows one step below a field's level. The value names the SQL function that makes it."""

    EXISTS = "crm_mask_exists"
    EMAIL = "crm_mask_email"
    PHONE = "crm_mask_phone"
    YEAR = "crm_mask_year"
    BUCKET = "crm_mask_bucket"
    INITIALS = "crm_mask_initials"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of value it fits, by name: what it shows is of the kind that it hides."""
        return _MASKED_KINDS[self]

    @property
    def kept(self) -> bool:
        """Whether tables keep it beside the value: of texts of which it takes several steps to make."""
        return self in (Mask.EMAIL, Mask.PHONE, Mask.INITIALS)


_MASKED_KINDS = {
    Mask.EXISTS: ("String", "EmailAddress", "PhoneNumber"),
    Mask.EMAIL: ("EmailAddress",),
    Mask.PHONE: ("PhoneNumber",),
    Mask.YEAR: ("Date",),
    Mask.BUCKET: ("Money", "Decimal"),
    Mask.INITIALS: ("String",),
}


PUBLIC, PARTNER, INTERNAL, CONFIDENTIAL, RESTRICTED = Level
