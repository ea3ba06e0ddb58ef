"""A small export with the mistakes that real ones have, the same every time: for trying an import and checking it."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAPPING = """\
# Companies, their catalogue and their deals, as another system exported them.
source = "sample-export"

[[table]]
entity = "Product"
file = "catalogue.csv"
key = "article"
[table.fields]
name = "article"
sku = { template = "SAMPLE-{number}" }
listPrice = { column = "price", decimal = "," }

[[table]]
entity = "Customer"
file = "companies.csv"
key = "company"
[table.fields]
name = "company"
industry = { column = "sector", case = "lower" }
employees = "staff"
country = "country"
parent = { column = "belongs to", by = "name" }

[[table]]
entity = "Opportunity"
file = "deals.jsonl"
key = "deal.id"
[table.fields]
name = { template = "{article} for {company}" }
customer = { column = "company", by = "name" }
product = { column = "article", by = "name" }
amount = "value"
closeOn = { column = "closes", format = "%d.%m.%Y" }
"""
"""The mapping somebody would write first: three values in it match nothing."""

MENDED: Mapping[str, str] = {
    "Nortwind Traders": "Northwind Traders",
    "Contosso": "Contoso",
    "Anchor Bolt M12": "Anchor Bolt M-12",
}
"""What the misspelt references mean; the importer only suggests it."""

_COMPANIES = (
    ("Northwind Traders", "Retail", "240", "US", ""),
    ("Contoso", "Manufacturing", "1800", "DE", ""),
    ("Contoso Services", "Services", "310", "DE", "Contoso"),
    ("Fabrikam", "Construction", "95", "FR", ""),
    ("Tailspin Toys", "Retail", "", "GB", "Wingtip Group"),
    ("Wingtip Group", "Finance", "60", "GB", ""),
)
_ARTICLES = (("101", "Anchor Bolt M-12", "4,90"), ("102", "Hoist 500 kg", "1.250,00"), ("103", "Safety Net", "89,00"))
DEALS = 24
REFUSED = 6
"""Deals that the first mapping refuses."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The files, the mapping as first written, and one in which what was misspelt is mapped."""

    files: Sequence[Path]
    mapping: Path
    mended: Path


def write_sample(directory: Path) -> Sample:
    """Write the export and both mappings into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    companies, catalogue, deals = (directory / name for name in ("companies.csv", "catalogue.csv", "deals.jsonl"))
    _csv(companies, ("company", "sector", "staff", "country", "belongs to"), _COMPANIES)
    _csv(catalogue, ("number", "article", "price"), _ARTICLES)
    deals.write_text("".join(json.dumps(_deal(n)) + "\n" for n in range(DEALS)), encoding="utf-8")
    mapping, mended = directory / "mapping.toml", directory / "mapping-mended.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    meant = ", ".join(f'"{wrong}" = "{right}"' for wrong, right in MENDED.items())
    clean = "".join(f"{column} = {{ map = {{ {meant} }} }}\n" for column in ("company", "article"))
    mended.write_text(
        MAPPING.replace('key = "deal.id"\n', f'key = "deal.id"\n[table.clean]\n{clean}'), encoding="utf-8"
    )
    return Sample((companies, catalogue, deals), mapping, mended)


def _csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _deal(number: int) -> dict[str, object]:
    """One deal; every eighth and its neighbours have a reference that is misspelt."""
    company = _COMPANIES[number * 5 % len(_COMPANIES)][0]
    article = _ARTICLES[number % len(_ARTICLES)][1]
    wrong = {right: spelt for spelt, right in MENDED.items()}
    if number % 8 == 0:
        company = "Nortwind Traders" if number % 16 == 0 else "Contosso"
    if number % 8 == 3:
        article = wrong["Anchor Bolt M-12"]
    closes = f"{number % 28 + 1:02}.{number % 12 + 1:02}.2026"
    return {
        "deal": {"id": f"D-{number:03}"},
        "company": company,
        "article": article,
        "value": 500 + 125 * number,
        "closes": closes,
    }
