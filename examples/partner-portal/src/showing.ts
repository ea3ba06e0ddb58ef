import { element, line, section } from "./elements";
import type { Customer, Money, PartnerView, Plan, PriceEntry, Scorecard, Share } from "./partner-view";

const day = (text: string | null): string =>
  text ? new Date(text).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }) : "";
const money = (value: Money | null): string =>
  value ? new Intl.NumberFormat("en-GB", { style: "currency", currency: value.currency }).format(Number(value.amount)) : "";
const words = (name: string | null): string =>
  name ? name.charAt(0) + name.slice(1).toLowerCase().replaceAll("_", " ") : "";
const until = (text: string | null): string => (!text || text.startsWith("9999") ? "" : `until ${day(text)}`);

export function show(view: PartnerView): HTMLElement[] {
  const partner = view.partners.nodes[0];
  return [
    element("p", "who", partner ? [partner.name, words(partner.kind), partner.tier?.name].filter(Boolean).join(" · ") : ""),
    toDo(view),
    section("How you do", view.partnerScorecards.nodes.map(scored), "The first quarter is not there yet."),
    section("Customers", view.customers.nodes.map(customer), "No customer is shared with you.", view.customers.totalCount),
    section("Plans", view.keyAccounts.nodes.flatMap((one) => one.plans.nodes.map((plan) => planned(plan, one.customer?.name))), "No plan is shared with you."),
    section(
      "Deals",
      view.deals.nodes.map((deal) => line(deal.customerName, money(deal.amount), words(deal.answer), until(deal.protectedUntil))),
      "You have registered no deal.",
      view.deals.totalCount,
    ),
    section(
      "Opportunities",
      view.opportunities.nodes.map((one) => line(one.name, one.customer?.name, one.stage?.name, money(one.amount), day(one.closeOn))),
      "Nothing is open.",
      view.opportunities.totalCount,
    ),
    section(
      "Leads",
      view.leads.nodes.map((lead) => line(lead.company ?? lead.name, lead.company ? lead.name : null, lead.interest, words(lead.status))),
      "No leads.",
      view.leads.totalCount,
    ),
    section(
      "Tickets",
      view.tickets.nodes.map((ticket) => line(ticket.subject, ticket.customer?.name, ticket.number, words(ticket.status))),
      "No open tickets.",
      view.tickets.totalCount,
    ),
    ...(partner ? [
      section("Prices", partner.priceLists.nodes.flatMap((list) => list.entries.nodes.map((entry) => price(entry, list.name))), "You buy at list prices."),
      section("Agreements", partner.agreements.nodes.map((one) => line(one.name, one.terms, `from ${day(one.startsOn)}`, until(one.endsOn))), "Nothing is agreed."),
      section("Certifications", partner.certifications.nodes.map((one) => line(one.name, until(one.expiresOn))), "None."),
      section("What you look after", partner.coverages.nodes.map((one) => line(one.name, words(one.level), until(one.validUntil))), "Customers one by one, as listed above."),
    ] : []),
  ];
}

function toDo(view: PartnerView): HTMLElement {
  return section(
    "To do",
    [
      ...view.offers.nodes.map((offer) => line(`Answer: ${offer.lead?.company ?? offer.lead?.name ?? "a lead"}`, `by ${day(offer.acceptBy)}`)),
      ...view.tasks.nodes.map((task) => line(task.subject, task.customer?.name, task.dueOn && `by ${day(task.dueOn)}`)),
      ...view.endingDeals.nodes.map((deal) => line(`Close or extend: ${deal.customerName}`, `protected ${until(deal.protectedUntil)}`)),
      ...view.endingCertifications.nodes.map((one) => line(`Renew: ${one.name}`, until(one.expiresOn))),
      ...view.dueSales.nodes.map((sale) => line(`Close: ${sale.name}`, `by ${day(sale.closeOn)}`)),
    ],
    "Nothing for now.",
  );
}

function customer(one: Customer): HTMLElement {
  const last = one.partnerActivities.nodes[0];
  return line(
    one.name,
    [one.city, one.country].filter(Boolean).join(", "),
    words(one.segment),
    shared(one.shares.nodes),
    one.openTickets ? `${one.openTickets} open ticket${one.openTickets > 1 ? "s" : ""}` : null,
    last && `${words(last.kind)} ${day(last.happenedAt)}: ${last.subject}`,
  );
}

function scored(card: Scorecard): HTMLElement {
  return line(
    card.period,
    `${money(card.revenue)} sold`,
    `${card.opportunitiesWon} won`,
    `${card.dealsRegistered} deals registered`,
    `${card.leadsAccepted} of ${card.leadsOffered} leads accepted`,
    card.csat && `${card.csat} % satisfied`,
    card.earnedTier,
  );
}

function shared(shares: Share[]): string {
  const share = shares[0];
  return share ? `shared at ${words(share.level)} ${until(share.validUntil)}`.trim() : "";
}

function planned(plan: Plan, account: string | null | undefined): HTMLElement {
  const open = plan.tactics.nodes.find((tactic) => !tactic.doneOn);
  const goals = plan.goals.nodes.map((goal) => goal.title).join(", ");
  return line(`${account ?? "A key account"}: ${plan.title}`, until(plan.endsOn), goals, open && `next: ${open.title} ${day(open.dueOn)}`);
}

function price(entry: PriceEntry, list: string): HTMLElement {
  const of = entry.product?.name ?? entry.category?.name ?? "Everything";
  const quantity = Number(entry.minQuantity) > 1 ? `from ${entry.minQuantity}` : "";
  return line(of, money(entry.unitPrice), entry.percentOff && `${entry.percentOff} % off`, quantity, list);
}
