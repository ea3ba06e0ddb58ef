"""How partners do, quarter by quarter."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar, Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph import kinds
from crm_graph.auth.levels import PARTNER
from crm_graph.auth.rows import Rows
from crm_graph.entity import Entity, Figure, Filter, Read, Ref, Sort, attr, table_of
from crm_graph.kinds import CurrencyCode, Kind
from crm_graph.schema.feedback import TicketRating
from crm_graph.schema.goal_metrics import COUNTED, REVENUE, during
from crm_graph.specs import TODAY, expanded

FIVES: Final = 5
"""Ratings of customers are told of so many at a time, so that neither one nor the next one shows."""


def _in(moment: str) -> str:
    return during(moment, "{starts_on}", "{ends_on}")


def _of_partner(alias: str) -> str:
    return f"{alias}.partner_id = {{partner_id}}"


def _where(alias: str) -> str:
    return f"{alias}.organization_id = {{organization}} AND {_of_partner(alias)}"


_DEALS: Final = (("deal_registrations", "sd", _of_partner("sd")),)
_OFFERS: Final = (("lead_offers", "sl", _of_partner("sl")),)
_SALES: Final = (("opportunities", "so", _of_partner("so")),)
_ORDERS: Final = (("orders", "fo", _of_partner("fo")),)
_CERTIFICATIONS: Final = (("partner_certifications", "sc", _of_partner("sc")),)
_RATINGS: Final = (
    ("ticket_ratings", "sr", "sr.score IS NOT NULL"),
    ("tickets", "st", "st.id = sr.ticket_id"),
    ("customer_shares", "sh", _of_partner("sh")),
)
_TIERS: Final = (("partner_tiers", "sp", "sp.rank > 0"),)

_WON: Final = (
    f"FROM opportunities so WHERE {_where('so')} AND so.status = 'WON'"
    " AND so.close_on BETWEEN {starts_on} AND {ends_on}"
)
_REGISTERED: Final = f"FROM deal_registrations sd WHERE {_where('sd')}"
_OF_WON: Final = ("Opportunity.partner_id", "Opportunity.status", "Opportunity.close_on")
_OFFERED: Final = f"FROM lead_offers sl WHERE {_where('sl')} AND {_in('sl.offered_at')}"
_OF_OFFERS: Final = ("LeadOffer.partner_id", "LeadOffer.offered_at", "LeadOffer.status")
_LAST_DAY: Final = f"least({{ends_on}}, {TODAY})"
_SATISFIED: Final = expanded(TicketRating.__specs__, "satisfaction", "sr")
_TAKEN: Final = "extract(epoch FROM coalesce(sl.responded_at, sl.accept_by) - sl.offered_at)"

_SQL: Final[Mapping[str, str]] = {
    "deals_registered": f"SELECT count(*) {_REGISTERED} AND {_in('sd.created_at')}",
    "deals_protected": (
        f"SELECT count(*) {_REGISTERED} AND {_in('sd.answered_at')} AND sd.protected_until IS NOT NULL"
    ),
    "opportunities_won": f"SELECT count(*) {_WON}",
    "won_amount": f"SELECT coalesce(sum(so.amount), 0) {_WON} AND so.currency = {{currency}}",
    "revenue": (
        f"SELECT {REVENUE} FROM orders fo WHERE {_where('fo')} AND {COUNTED} AND {_in('fo.placed_at')}"
        " AND fo.currency = {currency}"
    ),
    "leads_offered": f"SELECT count(*) {_OFFERED}",
    "leads_accepted": f"SELECT count(*) {_OFFERED} AND sl.status = 'ACCEPTED'",
    "lead_response_hours": (
        f"SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY {_TAKEN}) / 3600)::numeric, 1)"
        f" {_OFFERED} AND sl.status IN ('ACCEPTED', 'DECLINED', 'EXPIRED')"
    ),
    "certifications": (
        f"SELECT count(*) FROM partner_certifications sc WHERE {_where('sc')} AND sc.issued_on <= {_LAST_DAY}"
        f" AND coalesce(sc.expires_on >= {_LAST_DAY}, TRUE)"
    ),
    "csat": (
        f"SELECT round(avg(x.satisfied), 1) FROM (SELECT {_SATISFIED} AS satisfied,"
        " row_number() OVER (ORDER BY sr.rated_at, sr.id) AS place, count(*) OVER () AS known"
        " FROM ticket_ratings sr JOIN tickets st ON st.organization_id = {organization} AND st.id = sr.ticket_id"
        f" WHERE sr.organization_id = {{organization}} AND sr.score IS NOT NULL AND {_in('sr.rated_at')}"
        " AND (st.partner_id = {partner_id} OR st.partner_id IS NULL AND st.customer_id IN (SELECT sh.customer_id"
        f" FROM customer_shares sh WHERE {_where('sh')} AND greatest(sh.valid_from, sh.created_at) <= sr.rated_at"
        " AND sh.valid_until > sr.rated_at)))"
        f" x WHERE x.place <= x.known - x.known % {FIVES}"
    ),
}
_EARNED: Final = (
    "SELECT sp.name FROM partner_tiers sp WHERE sp.organization_id = {organization} AND sp.rank > 0"
    " AND (sp.minimum_revenue IS NULL OR sp.currency = {currency} AND"
    f" ({_SQL['revenue']}) >= sp.minimum_revenue)"
    f" AND coalesce(({_SQL['opportunities_won']}) >= sp.minimum_won, TRUE)"
    f" AND coalesce(({_SQL['certifications']}) >= sp.minimum_certifications, TRUE) ORDER BY sp.rank LIMIT 1"
)
_OF_REVENUE: Final = (
    "Order.partner_id",
    "Order.status",
    "Order.placed_at",
    "Order.net",
    "Order.total",
    "Order.currency",
)
_OF_CERTIFICATIONS: Final = (
    "PartnerCertification.partner_id",
    "PartnerCertification.issued_on",
    "PartnerCertification.expires_on",
)


def _figure(
    kind: Kind, name: str, of: tuple[str, ...], tables: tuple[tuple[str, str, str], ...], description: str
) -> Figure:
    return Figure(kind, _SQL[name], Read(PARTNER), of, tables, description)


class PartnerScorecard(Entity, table=True):
    """How a partner does in a quarter, reckoned when it is read; made for each partner as the quarter begins.

    The partner reads its own. Everything in it is about what is the partner's: nothing about other partners changes it.
    """

    __prefix__ = "psc"
    __rows__ = Rows(partner="partner_id")
    __imported__ = False
    __checks__ = {"days": "starts_on < ends_on"}

    partner_id: UUID = attr(Read(PARTNER), Ref("Partner", back="scorecards", owned=True))
    """The partner."""
    period: str = attr(Read(PARTNER), Filter, Sort)
    """The quarter, like 2026-Q4, in UTC."""
    starts_on: date = attr(Read(PARTNER), Filter, Sort)
    """Its first day."""
    ends_on: date = attr(Read(PARTNER), Filter, Sort)
    """Its last day."""
    currency: CurrencyCode = attr(Read(PARTNER), default="EUR")
    """Currency of its amounts, and the only one that counts."""

    deals_registered: ClassVar[Figure] = _figure(
        kinds.INT,
        "deals_registered",
        ("DealRegistration.partner_id", "DealRegistration.created_at"),
        _DEALS,
        "Deals that the partner registered.",
    )
    deals_protected: ClassVar[Figure] = _figure(
        kinds.INT,
        "deals_protected",
        ("DealRegistration.partner_id", "DealRegistration.answered_at", "DealRegistration.protected_until"),
        _DEALS,
        "Deals of which it was told that they are protected.",
    )
    opportunities_won: ClassVar[Figure] = _figure(
        kinds.INT, "opportunities_won", _OF_WON, _SALES, "Its opportunities that were won."
    )
    won_amount: ClassVar[Figure] = _figure(
        kinds.MONEY,
        "won_amount",
        (*_OF_WON, "Opportunity.amount", "Opportunity.currency"),
        _SALES,
        "What these are worth.",
    )
    revenue: ClassVar[Figure] = _figure(
        kinds.MONEY, "revenue", _OF_REVENUE, _ORDERS, "The net of the orders that it sold; cancelled ones do not count."
    )
    leads_offered: ClassVar[Figure] = _figure(
        kinds.INT, "leads_offered", _OF_OFFERS, _OFFERS, "Leads that it was offered."
    )
    leads_accepted: ClassVar[Figure] = _figure(
        kinds.INT, "leads_accepted", _OF_OFFERS, _OFFERS, "Of these, leads that it accepted."
    )
    lead_response_hours: ClassVar[Figure] = _figure(
        kinds.DECIMAL,
        "lead_response_hours",
        (*_OF_OFFERS, "LeadOffer.responded_at", "LeadOffer.accept_by"),
        _OFFERS,
        "The median of the hours until it answered these; of one it did not answer, of all the time it had.",
    )
    certifications: ClassVar[Figure] = _figure(
        kinds.INT,
        "certifications",
        _OF_CERTIFICATIONS,
        _CERTIFICATIONS,
        "Its certifications that are valid: today, or on the last day of a quarter that is over.",
    )
    csat: ClassVar[Figure] = Figure(
        kinds.DECIMAL,
        _SQL["csat"],
        Read(PARTNER),
        (
            "TicketRating.score",
            "TicketRating.rated_at",
            "Ticket.customer_id",
            "Ticket.partner_id",
            "CustomerShare.partner_id",
            "CustomerShare.valid_from",
            "CustomerShare.valid_until",
        ),
        _RATINGS,
        "How many percent of its customers' ratings of tickets were 4 or 5. Told of five ratings at a time, the oldest"
        " first; null below five.",
        at_least=FIVES,
    )
    earned_tier: ClassVar[Figure] = Figure(
        kinds.STRING,
        _EARNED,
        Read(PARTNER),
        tuple(
            dict.fromkeys(
                (
                    "PartnerTier.name",
                    "PartnerTier.rank",
                    "PartnerTier.currency",
                    "PartnerTier.minimum_revenue",
                    "PartnerTier.minimum_won",
                    "PartnerTier.minimum_certifications",
                    *_OF_REVENUE,
                    *_OF_WON,
                    *_OF_CERTIFICATIONS,
                )
            )
        ),
        (*_TIERS, *_ORDERS, *_SALES, *_CERTIFICATIONS),
        "The highest tier whose minimums it reaches.",
    )


_scorecards = table_of(PartnerScorecard).c
sa.Index(
    "uq_partner_scorecards_period",
    _scorecards.organization_id,
    _scorecards.partner_id,
    _scorecards.period,
    unique=True,
)
