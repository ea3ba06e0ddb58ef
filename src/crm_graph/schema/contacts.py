"""Whom we talk to at a customer, and where."""

from enum import auto
from uuid import UUID

from crm_graph.auth.levels import INTERNAL, PARTNER, Mask
from crm_graph.auth.rows import Entrusts, Rows
from crm_graph.entity import Change, Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr
from crm_graph.kinds import CountryCode, EmailAddress, PhoneNumber


class ContactRole(Choice):
    """What part a person plays at an organisation. The portal roles let them act for it, where they sign in."""

    DECISION_MAKER = auto()
    PAYER = auto()
    USER = auto()
    INFLUENCER = auto()
    PORTAL_USER = auto()
    PORTAL_ADMIN = auto()


class Contact(Entity, table=True):
    """The link of a person to an organisation or household, with the part they play there."""

    __prefix__ = "con"
    __rows__ = Rows(
        parent="customer_id",
        entrusts=Entrusts(
            ("role", "person_id"), "{role} IN ('PORTAL_USER', 'PORTAL_ADMIN') AND {person_id} IS NOT NULL"
        ),
    )
    __custom__ = True

    customer_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="contacts", owned=True)
    )
    """The organisation or household."""
    person_id: UUID | None = attr(Read(INTERNAL), Write(INTERNAL), Ref("Customer", back="affiliations"), default=None)
    """The person, where they are a customer of their own."""
    name: str = attr(Read(PARTNER, mask=Mask.INITIALS, subject=True), Write(INTERNAL), Filter, Sort, Search("A"))
    """Name of the person."""
    role: ContactRole = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=ContactRole.USER)
    """What part the person plays."""
    job_title: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL), Search("C"), default=None)
    """What the person does there."""
    email: EmailAddress | None = attr(
        Read(INTERNAL, mask=Mask.EMAIL, subject=True), Write(INTERNAL), Filter, Search("B"), default=None
    )
    """E-mail address at work."""
    phone: PhoneNumber | None = attr(
        Read(INTERNAL, mask=Mask.PHONE, subject=True), Write(INTERNAL), Search("B"), default=None
    )
    """Telephone number at work."""


class AddressKind(Choice):
    """What an address is used for."""

    MAIN = auto()
    BILLING = auto()
    SHIPPING = auto()


class Address(Entity, table=True):
    """A postal address of a customer."""

    __prefix__ = "adr"
    __rows__ = Rows(parent="customer_id", delegated=True)

    customer_id: UUID = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, create_only=True), Ref("Customer", back="addresses", owned=True)
    )
    """Whose address it is."""
    kind: AddressKind = attr(Read(PARTNER, subject=True), Write(INTERNAL), Filter, default=AddressKind.MAIN)
    """What the address is used for."""
    street: str | None = attr(Read(INTERNAL, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), default=None)
    """Street and number."""
    postal_code: str | None = attr(
        Read(INTERNAL, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), Filter, default=None
    )
    """Postal code."""
    city: str | None = attr(Read(PARTNER, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), Filter, default=None)
    """City."""
    country: CountryCode | None = attr(
        Read(PARTNER, subject=True), Write(INTERNAL, subject=Change.AT_ONCE), Filter, default=None
    )
    """Country."""
