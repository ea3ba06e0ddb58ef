"""The mapping in examples/ imports the real data set, spelling mistakes and all."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from tests.conftest import ROOT

from .conftest import Importing

FILES = ("accounts.csv", "products.csv", "sales_teams.csv", "sales_pipeline.csv")
EXAMPLE = ROOT / "examples" / "sales-pipeline.toml"


async def test_the_real_export(importing: Importing, shared_data: Callable[[str], Path]) -> None:
    files = [shared_data("crm-sales-opportunities") / name for name in FILES]
    result = await importing.run(EXAMPLE, files)
    assert {name: dict(counts) for name, counts in result.counts.items()} == {
        "Pipeline from the mapping": {"created": 1},
        "Stage from the mapping": {"created": 4},
        "Team from sales_teams.csv": {"created": 3 + 6},
        "User from sales_teams.csv": {"created": 6 + 35},
        "Product from products.csv": {"created": 7},
        "Customer from accounts.csv": {"created": 85},
        "Opportunity from sales_pipeline.csv": {"created": 8_800},
    }
    won = await importing.fetch(
        "SELECT s.name, o.status, count(*), sum(o.amount) FROM opportunities o JOIN stages s ON s.id = o.stage_id"
        " WHERE o.organization_id = $1 GROUP BY 1, 2 ORDER BY 1"
    )
    assert [(r["name"], r["status"], r["count"]) for r in won] == [
        ("Engaging", "OPEN", 1_589),
        ("Lost", "LOST", 2_473),
        ("Prospecting", "OPEN", 500),
        ("Won", "WON", 4_238),
    ]
    assert won[-1]["sum"] == Decimal(10_005_534)
    [row] = await importing.fetch(
        "SELECT count(*) FROM opportunities WHERE organization_id = $1 AND customer_id IS NULL"
    )
    assert row["count"] == 1_425
    [row] = await importing.fetch(
        "SELECT count(*) FROM opportunities o JOIN products p ON p.id = o.product_id"
        " WHERE o.organization_id = $1 AND p.name = 'GTX Pro'"
    )
    assert row["count"] == 1_480
    [acme] = await importing.fetch(
        "SELECT industry, country, annual_revenue, currency FROM customers"
        " WHERE organization_id = $1 AND name = 'Acme Corporation'"
    )
    assert acme == {"industry": "technology", "country": "US", "annual_revenue": Decimal(1100040000), "currency": "USD"}
    [row] = await importing.fetch("SELECT count(*) FROM customers WHERE organization_id = $1 AND parent_id IS NOT NULL")
    assert row["count"] == 15
    again = await importing.run(EXAMPLE, files)
    assert again.total == {"unchanged": 8_947}


async def test_without_its_value_map_the_misspelt_product_is_refused(
    importing: Importing, shared_data: Callable[[str], Path]
) -> None:
    files = [shared_data("crm-sales-opportunities") / name for name in FILES]
    text = EXAMPLE.read_text(encoding="utf-8")
    result = await importing.run(text.replace('GTXPro = "GTX Pro"', ""), files, dry=True)
    assert result.counts["Opportunity from sales_pipeline.csv"] == {"created": 7_320, "refused": 1_480}
    assert set(importing.faults("Opportunity")) == {("REFERENCE_NOT_FOUND", "product", "GTXPro")}
    nearest = next(line.faults[0].candidates for line in importing.lines["Opportunity"] if line.faults)
    assert [c.value for c in nearest] == ["GTX Pro", "GTX Plus Pro"]
    assert await importing.count("opportunities") == 0
