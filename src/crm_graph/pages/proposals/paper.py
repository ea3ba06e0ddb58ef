"""What a proposal says, for page and PDF alike: read through its reader's lens, written in its language."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from crm_graph.auth.actor import Actor
from crm_graph.documents.language import Language, language
from crm_graph.graph.documents import Documents
from crm_graph.graph.known_fields import Schemas
from crm_graph.graph.reading import Reader

_ASKED: Final = """
query ProposalPaper($id: ID!, $after: String) {
  organizations(first: 1) { nodes { name } }
  proposal(id: $id) {
    id number title status language revision open
    subtotal { ...Amount } discountPercent discount { ...Amount } total { ...Amount }
    validUntil introduction terms closing sentAt decidedAt decidedBy
    customer { name locale }
    lines(first: 200, after: $after, orderBy: [{position: ASC}]) {
      nodes {
        position quantity unitPrice { ...Amount } discountPercent total { ...Amount }
        productName productSku
      }
      pageInfo { hasNextPage endCursor }
    }
    attachments(first: 50, filter: {public: {eq: true}}, orderBy: [{name: ASC}]) { nodes { id name } }
    questions(first: 50, orderBy: [{askedAt: ASC}]) { nodes { question askedBy askedAt answer answeredAt } }
  }
}
fragment Amount on Money { amount currency }
"""


@dataclass(frozen=True, slots=True)
class Paper:
    """A proposal in words. `shown` is what a template takes, all of it text; `record` what was read."""

    language: Language
    record: dict[str, Any]
    shown: dict[str, Any]


class Papers:
    """Reads proposals as any query is read: what a caller may not see is not on their paper."""

    def __init__(self, documents: Documents, schemas: Schemas, reader: Reader) -> None:
        self._documents, self._schemas, self._reader = documents, schemas, reader

    async def of(self, actor: Actor, proposal: str, *wanted: str | None) -> Paper | None:
        """A proposal by its id, `None` where the caller sees none; `wanted` languages count after its own."""
        record: dict[str, Any] | None = None
        after: str | None = None
        while True:
            data = await self._read(actor, {"id": proposal, "after": after})
            found = data["proposal"]
            if found is None:
                return None
            if record is None:
                record = {**found, "organization": next((o["name"] for o in data["organizations"]["nodes"]), "")}
            else:
                record["lines"]["nodes"] += found["lines"]["nodes"]
            if not found["lines"]["pageInfo"]["hasNextPage"]:
                break
            after = found["lines"]["pageInfo"]["endCursor"]
        customer = record["customer"] or {}
        chosen = language(record["language"], *wanted, customer.get("locale"))
        return Paper(chosen, record, _shown(chosen, record))

    async def _read(self, actor: Actor, variables: dict[str, object]) -> dict[str, Any]:
        operation = await self._documents.operation(_ASKED, None, await self._schemas.of(actor.policy))
        answer = orjson.loads(await self._reader.read(actor, operation, variables))
        data: dict[str, Any] = answer["data"]
        return data


def _shown(chosen: Language, record: dict[str, Any]) -> dict[str, Any]:
    words = chosen.words
    facts = [[words["proposal"], record["number"]]]
    if record["revision"] != 1:
        facts.append([words["version"], str(record["revision"])])
    if record["sentAt"]:
        facts.append([words["date"], chosen.day(record["sentAt"])])
    if record["validUntil"]:
        facts.append([words["valid_until"], chosen.day(record["validUntil"])])
    sums = []
    if Decimal(record["discountPercent"] or 0):
        percent = chosen.percent(record["discountPercent"])
        sums = [
            [words["subtotal"], _money(chosen, record["subtotal"])],
            [f"{words['discount']} {percent}", _money(chosen, record["discount"], "-")],
        ]
    return {
        "lang": chosen.locale.language,
        "tag": chosen.tag,
        "rtl": chosen.locale.text_direction == "rtl",
        "words": dict(words),
        "organization": record["organization"],
        "customer": (record["customer"] or {}).get("name") or "",
        "title": record["title"] or "",
        "number": record["number"] or "",
        "facts": facts,
        "introduction": record["introduction"] or "",
        "closing": record["closing"] or "",
        "terms": record["terms"] or "",
        "lines": [_line(chosen, line) for line in record["lines"]["nodes"]],
        "sums": sums,
        "total": _money(chosen, record["total"]),
        "decided": _decided(chosen, record),
    }


def _line(chosen: Language, line: dict[str, Any]) -> dict[str, str]:
    percent = line["discountPercent"]
    return {
        "position": str(line["position"] or ""),
        "product": line["productName"] or "–",
        "sku": line["productSku"] or "",
        "quantity": chosen.number(line["quantity"]) if line["quantity"] else "",
        "unit_price": _money(chosen, line["unitPrice"]),
        "discount": chosen.percent(percent) if percent and Decimal(percent) else "",
        "total": _money(chosen, line["total"]),
    }


def _money(chosen: Language, value: dict[str, str] | None, sign: str = "") -> str:
    return chosen.money(sign + value["amount"], value["currency"]) if value else ""


def _decided(chosen: Language, record: dict[str, Any]) -> str:
    said = {"ACCEPTED": "accepted_on", "DECLINED": "declined_on"}.get(record["status"] or "")
    if said is None or not record["decidedAt"]:
        return ""
    return chosen.words[said].format(name=record["decidedBy"] or "–", day=chosen.day(record["decidedAt"]))
