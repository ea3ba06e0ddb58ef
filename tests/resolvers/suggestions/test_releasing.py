"""From the daily proposal to what the owner and the customer are told."""

import asyncio

import asyncpg
import pytest

from crm_graph.db.ids import decode
from crm_graph.resolvers.consents import consented
from crm_graph.schema.consents import ConsentChannel, ConsentPurpose
from tests.resolvers.suggestions.conftest import Market

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGREED = {"purpose": "SUGGESTIONS", "channel": "EMAIL", "evidence": "Said so on the phone."}


async def _suggested(market: Market, *, email: str, agreed: bool = True) -> tuple[str, str, str | None]:
    """A customer of the sales rep with a suggestion that waits, as the daily job made it, and the consent."""
    owner = (await market.user("sales_rep"))["userId"]
    one, other = await market.product(), await market.product()
    for _ in range(6):
        await market.buys(await market.customer(), one, other)
    customer = await market.customer(ownerId=owner, email=email)
    await market.buys(customer, one)
    consent = await market.made_of("giveConsent", "Consent", customerId=customer, **AGREED) if agreed else None
    await market.count_daily()
    row = await market.connection.fetchrow(
        "SELECT * FROM sale_suggestions WHERE customer_id = $1 AND product_id = $2",
        decode(customer)[1],
        decode(other)[1],
    )
    assert (row["status"], row["basis"], row["bought"], row["out_of"]) == ("PROPOSED", "BOUGHT_TOGETHER", 6, 7)
    return f"sug_{row['id'].hex}", customer, consent


async def test_the_owner_is_told_that_there_is_something_and_not_what(market: Market) -> None:
    owner = await market.row("users", (await market.user("sales_rep"))["userId"])
    before = len(await market.mails_to(owner["email"]))
    suggestion, customer, _ = await _suggested(market, email="told@customers.example")
    mails = await market.mails_to(owner["email"])
    assert len(mails) == before + 1
    name = (
        await market.row("products", f"prd_{(await market.row('sale_suggestions', suggestion))['product_id'].hex}")
    )["name"]
    assert "new suggestion" in mails[-1]["body"]
    assert not any(secret in mails[-1]["body"] for secret in (name, "Somebody", customer))
    assert await market.mails_to("told@customers.example") == [], "nobody outside is told before it is released"
    rows = await market.connection.fetchval(
        "SELECT count(*) FROM sale_suggestions WHERE customer_id = $1", decode(customer)[1]
    )
    await market.count_daily()
    again = await market.connection.fetchval(
        "SELECT count(*) FROM sale_suggestions WHERE customer_id = $1", decode(customer)[1]
    )
    assert again == rows, "a product is suggested once"


async def test_a_release_tells_the_customer_who_agreed(market: Market) -> None:
    suggestion, _, _ = await _suggested(market, email="agreed@customers.example")
    _, errors = await market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=suggestion)
    assert errors == []
    [mail] = await market.mails_to("agreed@customers.example")
    row = await market.row("sale_suggestions", suggestion)
    product = await market.row("products", f"prd_{row['product_id'].hex}")
    assert product["name"] in mail["body"]
    assert "7" not in mail["subject"] + mail["body"].replace(product["name"], "")
    assert (row["status"], row["told_at"] is not None) == ("RELEASED", True)
    assert await market.events(suggestion) == ["sale_suggestion.created", "sale_suggestion.released"]
    _, errors = await market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=suggestion)
    assert errors == ["STATE_REFUSED"]
    assert len(await market.mails_to("agreed@customers.example")) == 1


async def test_a_consent_withdrawn_between_proposal_and_release_sends_nothing(market: Market) -> None:
    suggestion, _, consent = await _suggested(market, email="withdrew@customers.example")
    _, errors = await market.do("withdrawConsent", "Consent", "sales_rep", id=consent)
    assert errors == []
    _, errors = await market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=suggestion)
    assert errors == []
    row = await market.row("sale_suggestions", suggestion)
    assert (row["status"], row["told_at"]) == ("RELEASED", None)
    assert await market.mails_to("withdrew@customers.example") == []


async def test_consent_for_something_else_or_elsewhere_is_none(market: Market) -> None:
    suggestion, customer, _ = await _suggested(market, email="other@customers.example", agreed=False)
    for other in ({"purpose": "NEWS"}, {"channel": "PHONE"}):
        await market.made_of("giveConsent", "Consent", customerId=customer, **{**AGREED, **other})
    _, errors = await market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=suggestion)
    assert errors == []
    assert await market.mails_to("other@customers.example") == []


async def test_a_dismissed_suggestion_stays_so_and_only_who_may_decides(market: Market) -> None:
    suggestion, _, _ = await _suggested(market, email="dismissed@customers.example")
    before, events = await market.row("sale_suggestions", suggestion), await market.events(suggestion)
    for persona, code in (("service_agent", "NOT_FOUND"), ("partner_rep", "NOT_FOUND"), ("customer", "NOT_FOUND"),
                          ("other_org_administrator", "NOT_FOUND")):  # fmt: skip
        for verb in ("releaseSuggestion", "dismissSuggestion"):
            assert await market.do(verb, "SaleSuggestion", persona, id=suggestion) == (None, [code])
    assert (await market.row("sale_suggestions", suggestion), await market.events(suggestion)) == (before, events)
    _, errors = await market.do("dismissSuggestion", "SaleSuggestion", "sales_rep", id=suggestion)
    assert errors == []
    _, errors = await market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=suggestion)
    assert errors == ["STATE_REFUSED"]
    assert await market.mails_to("dismissed@customers.example") == []


async def test_a_rule_releases_what_is_likely_enough(market: Market) -> None:
    organization = f"org_{market.organization.hex}"
    await market.made_of("updateOrganization", "Organization", id=organization, suggestionsReleasedFrom="0.8")
    one, other = await market.product(), await market.product()
    owner = (await market.user("sales_rep"))["userId"]
    for _ in range(9):
        await market.buys(await market.customer(), one, other)
    yes, no = [await market.customer(ownerId=owner, email=f"{word}@rule.example") for word in ("yes", "no")]
    for customer in (yes, no):
        await market.buys(customer, one)
    await market.made_of("giveConsent", "Consent", customerId=yes, **AGREED)
    await market.count_daily()
    rows = await market.connection.fetch(
        "SELECT customer_id, status, decided_by_id, told_at FROM sale_suggestions WHERE product_id = $1",
        decode(other)[1],
    )
    assert {
        (f"cus_{r['customer_id'].hex}", r["status"], r["decided_by_id"], r["told_at"] is not None) for r in rows
    } == {
        (yes, "RELEASED", None, True),
        (no, "RELEASED", None, False),
    }
    assert (len(await market.mails_to("yes@rule.example")), await market.mails_to("no@rule.example")) == (1, [])
    await market.made_of("updateOrganization", "Organization", id=organization, suggestionsReleasedFrom=None)


async def test_who_agrees_for_whom(market: Market) -> None:
    own, somebody = (await market.user("customer"))["customerId"], await market.customer()
    await market.connection.execute("DELETE FROM consents WHERE customer_id = $1", decode(own)[1])
    consent = await market.made_of("giveConsent", "Consent", "customer", customerId=own, **AGREED)
    assert await market.do("giveConsent", "Consent", "customer", customerId=own, **AGREED) == (consent, [])
    text = "{ consents(first: 5) { nodes { id purpose channel withdrawnAt evidence customer { id } } } }"
    seen = (await market.ask("customer", text)).data["consents"]["nodes"]
    assert [(one["id"], one["purpose"], one["withdrawnAt"]) for one in seen] == [(consent, "SUGGESTIONS", None)]
    assert await market.do("giveConsent", "Consent", "customer", customerId=somebody, **AGREED) == (
        None, ["REFERENCE_NOT_FOUND"],
    )  # fmt: skip
    assert await market.do("giveConsent", "Consent", "partner_rep", customerId=own, **AGREED) == (
        None, ["WRITE_ACCESS_DENIED"],
    )  # fmt: skip
    blank = {**AGREED, "evidence": "  "}
    assert await market.do("giveConsent", "Consent", "service_agent", customerId=somebody, **blank) == (
        None, ["VALUE_INVALID"],
    )  # fmt: skip
    theirs = await market.made_of("giveConsent", "Consent", "service_agent", customerId=somebody, **AGREED)
    assert await market.do("withdrawConsent", "Consent", "customer", id=theirs) == (None, ["NOT_FOUND"])
    assert (await market.row("consents", theirs))["withdrawn_at"] is None
    assert await market.do("withdrawConsent", "Consent", "customer", id=consent) == (consent, [])
    row = await market.row("consents", consent)
    assert row["withdrawn_at"] is not None
    assert await market.do("withdrawConsent", "Consent", "customer", id=consent) == (consent, [])
    assert await market.row("consents", consent) == row
    again = await market.made_of("giveConsent", "Consent", "customer", customerId=own, **AGREED)
    assert again != consent, "a new agreement is a record of its own"
    assert await market.events(consent) == ["consent.given", "consent.withdrawn"]


async def test_a_release_and_a_withdrawal_at_once_are_one_after_the_other(market: Market) -> None:
    """Whoever is first decides: a mail goes out under a consent that holds until then, or it does not go out."""
    told, who, consent = await _suggested(market, email="first@customers.example")
    assert consent is not None
    other = await asyncpg.connect(market.api.url)
    try:
        async with other.transaction():
            purpose, channel = ConsentPurpose.SUGGESTIONS, ConsentChannel.EMAIL
            assert await consented(other, market.organization, decode(who)[1], purpose, channel)
            withdrawal = asyncio.create_task(market.do("withdrawConsent", "Consent", id=consent))
            await asyncio.sleep(0.3)
            assert not withdrawal.done(), "it waits for who is about to write under the consent"
        assert (await withdrawal)[1] == []
        suggestion, _, consent = await _suggested(market, email="second@customers.example")
        async with other.transaction():
            await other.execute("UPDATE consents SET withdrawn_at = now() WHERE id = $1", decode(str(consent))[1])
            release = asyncio.create_task(market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=suggestion))
            await asyncio.sleep(0.3)
            assert not release.done(), "it waits for what becomes of the consent"
        assert (await release)[1] == []
    finally:
        await other.close()
    assert (await market.row("sale_suggestions", suggestion))["told_at"] is None
    assert await market.mails_to("second@customers.example") == []
    assert (await market.do("releaseSuggestion", "SaleSuggestion", "sales_rep", id=told))[1] == []
    assert await market.mails_to("first@customers.example") == []
