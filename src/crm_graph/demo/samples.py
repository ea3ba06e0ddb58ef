"""Operations to try on the demo, for the explorer and the README; any caller may send them, each sees their share."""

from typing import Final, TypedDict

from crm_graph.db import ids
from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.demo.generate import SHARED_CUSTOMER, SOURCE
from crm_graph.demo.staff import NAMED


class Sample(TypedDict):
    """One operation; `variables` fit the demo database at hand."""

    title: str
    description: str
    query: str
    variables: dict[str, str]


CUSTOMER_LIST: Final = """\
query CustomerList {
  customers(first: 10, filter: { kind: { eq: ORGANIZATION } }, orderBy: [{ name: ASC }]) {
    totalCount
    nodes {
      id
      name
      city
      email
      creditLimit { amount currency }
      owner { name }
      openTickets
      hiddenFields
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

CUSTOMER_360: Final = """\
query Customer360($id: ID!) {
  customer(id: $id) {
    name
    segment
    stage
    email
    phone
    creditLimit { amount currency }
    lifetimeValue { amount currency }
    owner { name }
    contacts(first: 5) { nodes { name role jobTitle email } }
    orders(first: 5, orderBy: [{ placedAt: DESC }]) {
      nodes {
        number
        placedAt
        status
        total { amount currency }
        lines(first: 10, orderBy: [{ position: ASC }]) { nodes { quantity product { name } unitPrice { amount } } }
      }
    }
    opportunities(first: 5, orderBy: [{ createdAt: DESC }]) {
      nodes { name status stage { name } amount { amount currency } margin { amount currency } }
    }
    tickets(first: 5, orderBy: [{ openedAt: DESC }]) {
      nodes { number subject status messages(first: 5) { nodes { public body } } }
    }
  }
}
"""

RELATED: Final = """\
query WaitingBuyers {
  customers(
    first: 10
    filter: {
      orders: { some: { total: { gt: "10000" }, status: { eq: DELIVERED } } }
      tickets: { some: { status: { in: [OPEN, WAITING] } } }
    }
    orderBy: [{ createdAt: DESC }]
  ) {
    totalCount
    nodes {
      name
      city
      openTickets
      orders(first: 2, orderBy: [{ placedAt: DESC }]) { nodes { number total { amount currency } } }
    }
  }
}
"""

PIPELINE: Final = """\
query PipelineByAmount {
  opportunities(first: 10, filter: { status: { eq: OPEN }, amount: { gt: "25000" } }, orderBy: [{ amount: DESC }]) {
    totalCount
    nodes {
      name
      customer { name }
      stage { name probability }
      amount { amount currency }
      weightedAmount { amount currency }
      margin { amount currency }
      closeOn
      owner { name team { name } }
    }
  }
}
"""

SUMS: Final = """\
query PipelineInGroups {
  opportunityAggregate(
    filter: { status: { eq: OPEN } }
    groupBy: [{ owner: VALUE }, { closeOn: QUARTER }]
    having: { count: { gte: 3 } }
    orderBy: [{ key: { closeOn: ASC } }, { sum: { amount: DESC } }]
    first: 20
  ) {
    groupCount
    groups {
      key { owner { name } closeOn }
      count
      sum { amount { amount currency } weightedAmount { amount currency } }
      avg { probability }
    }
  }
  customerRevenueBenchmark { segment country atLeast median { amount currency } }
}
"""

SERVICE: Final = """\
query OpenTickets {
  tickets(first: 10, filter: { status: { in: [NEW, OPEN, WAITING] } }, orderBy: [{ openedAt: ASC }]) {
    totalCount
    nodes {
      number
      subject
      priority
      openedAt
      customer { name }
      assignee { name }
      messages(first: 10, orderBy: [{ sentAt: ASC }]) { nodes { public sentAt body author { name } } }
    }
  }
}
"""

CATALOGUE: Final = """\
query Catalogue {
  products(first: 50, filter: { active: { eq: true } }, orderBy: [{ series: ASC }, { listPrice: ASC }]) {
    nodes { name sku series description listPrice { amount currency } }
  }
}
"""

SEARCH: Final = """\
query Search {
  customers(first: 10, search: "alpenglas mo") {
    totalCount
    edges { rank highlights { field text } node { name city email hiddenFields } }
  }
}
"""

UPDATE: Final = """\
mutation NoteOnCustomer($id: ID!, $notes: String!, $ifMatch: String) {
  updateCustomer(input: { id: $id, notes: $notes, ifMatch: $ifMatch }) {
    customer { name notes etag }
    userErrors { code message field }
  }
}
"""

WIN: Final = """\
mutation Win($id: ID!) {
  winOpportunity(input: { id: $id, idempotencyKey: "sample-win-1" }) {
    opportunity {
      name
      status
      probability
      stage { name }
      stageChanges(last: 2) { nodes { changedAt fromStage { name } toStage { name } } }
    }
    userErrors { code message field }
  }
}
"""

POLICY: Final = """\
query WhatIf {
  previewPolicy(changes: { levels: [{ coordinate: "Customer.creditLimit", read: RESTRICTED }] }) {
    version
    warnings { message }
    roles { role activeUsers }
    cells { role entity field action before after }
  }
}
"""

_RECORDS: Final = """
WITH main AS (SELECT id FROM organizations WHERE source = $1 AND external_id = 'main')
SELECT (SELECT c.id FROM customers c, main
         WHERE c.organization_id = main.id AND c.name = $2
         ORDER BY c.created_at LIMIT 1) AS customer,
       (SELECT p.id FROM main, opportunities p, users u
         WHERE u.organization_id = p.organization_id AND u.id = p.owner_id
           AND p.organization_id = main.id AND p.status = 'OPEN' AND u.name = $3
         ORDER BY p.created_at DESC LIMIT 1) AS opportunity
"""


async def samples(url: str) -> list[Sample]:
    """The samples with ids of records that are in this demo database."""
    connection = await connect(url, Role.READER)
    try:
        found = await connection.fetchrow(_RECORDS, SOURCE, SHARED_CUSTOMER, NAMED["sales_rep"])
    finally:
        await connection.close()
    customer = ids.encode("cus", found["customer"]) if found and found["customer"] else ""
    opportunity = ids.encode("opp", found["opportunity"]) if found and found["opportunity"] else ""
    return [
        Sample(
            title="Customers with owner and open tickets",
            description="What a caller may not see is null, and says so.",
            query=CUSTOMER_LIST,
            variables={},
        ),
        Sample(
            title="One customer from all sides",
            description="Two partners share this customer; neither sees that the other does.",
            query=CUSTOMER_360,
            variables={"id": customer},
        ),
        Sample(
            title="Who waits though they bought",
            description="Filters reach through relations, as far as the caller sees.",
            query=RELATED,
            variables={},
        ),
        Sample(
            title="Pipeline by amount",
            description="Open sales, the biggest first; margins are confidential.",
            query=PIPELINE,
            variables={},
        ),
        Sample(
            title="Pipeline in groups",
            description="Counted and summed up over what the caller sees, and a median of what is not seen.",
            query=SUMS,
            variables={},
        ),
        Sample(
            title="Open tickets with their messages",
            description="Internal messages stay inside.",
            query=SERVICE,
            variables={},
        ),
        Sample(
            title="The catalogue",
            description="What anybody in the shop may ask for.",
            query=CATALOGUE,
            variables={},
        ),
        Sample(
            title="Search customers",
            description="All words, the last by its beginning, in the fields that the caller sees of each row.",
            query=SEARCH,
            variables={},
        ),
        Sample(
            title="Note something about a customer",
            description="With the record's etag as ifMatch it is refused if someone else was faster.",
            query=UPDATE,
            variables={"id": customer, "notes": "Asked for a second roof survey."},
        ),
        Sample(
            title="Win a sale",
            description="Moves the opportunity to its pipeline's won stage; sent twice with one key, it happens once.",
            query=WIN,
            variables={"id": opportunity},
        ),
        Sample(
            title="What if credit limits were restricted",
            description="For administrators: what a change of the access policy would come to, before it is made.",
            query=POLICY,
            variables={},
        ),
    ]
