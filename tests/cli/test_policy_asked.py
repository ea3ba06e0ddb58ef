"""Commands that speak of a policy: the organisation's current one where one is named, else plainly the shipped one."""

import json
from uuid import UUID

import asyncpg
import pytest
from graphql import build_schema

from crm_graph.cli.policy_asked import RoleUnknown
from crm_graph.db.ids import uuid7
from crm_graph.imports.organizations import OrganizationUnknown
from tests.cli.commands import command
from tests.conftest import blocking

DOCUMENT = {
    "roles": {
        "auditor": {"custom": True, "grants": {"Customer": [{"rule": "everyone", "read": "CONFIDENTIAL"}]}},
        "sales_rep": {"grants": {"Customer": [{"rule": "own", "read": "CONFIDENTIAL"}]}},
    },
    "levels": {"Customer.creditLimit": {"read": "RESTRICTED"}},
}


@pytest.fixture(scope="module")
def url(module_database_url: str) -> str:
    """Acme, with a policy and a field of its own, and Other, with neither."""
    blocking(_fill(module_database_url))
    return module_database_url


async def _fill(url: str) -> None:
    admin, acme = await asyncpg.connect(url), uuid7()
    stamps = "version, created_at, updated_at"

    async def organization(id_: UUID, name: str) -> None:
        await admin.execute(
            f"INSERT INTO organizations (organization_id, id, {stamps}, name, currency, hosts)"
            " VALUES ($1, $1, 1, now(), now(), $2, 'EUR', '{}')",
            id_,
            name,
        )

    await organization(acme, "Acme")
    await organization(uuid7(), "Other")
    await admin.execute(
        "INSERT INTO access_policies (organization_id, id, version, document, note) VALUES ($1, $2, 1, $3, '')",
        acme,
        uuid7(),
        json.dumps(DOCUMENT),
    )
    await admin.execute(
        f"INSERT INTO custom_fields (organization_id, id, {stamps}, entity, name, kind, slot, description, read_level,"
        " write_level, filterable, sortable, choices) VALUES ($1, $2, 1, now(), now(), 'CUSTOMER', 'xMotto', 'STRING',"
        " 'custom_text_1', 'What they say.', 'CONFIDENTIAL', 'CONFIDENTIAL', FALSE, FALSE, '{}')",
        acme,
        uuid7(),
    )
    await admin.close()


def of(url: str, organization: str, *arguments: str) -> str:
    done = command(*arguments, "--organization", organization, "--database-url", url)
    assert done.exit_code == 0, done.exception
    return done.stdout


def test_the_schema_of_a_role_is_that_of_the_organisation(url: str) -> None:
    shipped = command("schema", "--as", "sales_manager").stdout
    assert shipped.startswith("# What sales_manager sees by the shipped policy.\n")
    assert "xMotto" not in shipped
    current = of(url, "acme", "schema", "--as", "sales_manager")
    assert current.startswith("# What sales_manager sees by the policy of Acme, version 1.\n")
    assert "xMotto" in build_schema(current).type_map["Customer"].fields  # type: ignore[attr-defined]
    auditor = build_schema(of(url, "Acme", "schema", "--as", "auditor"))
    assert "Customer" in auditor.type_map
    assert "Opportunity" not in auditor.type_map
    other = of(url, "Other", "schema", "--as", "sales_manager")
    assert "by the policy of Other, version 0, as shipped." in other
    assert other.partition("\n")[2] == shipped.partition("\n")[2]


def test_a_role_is_explained_by_the_policy_of_the_organisation(url: str) -> None:
    shipped = command("explain-access", "sales_rep", "Customer.creditLimit").stdout
    assert "sales_rep, by the shipped policy, on Customer:" in shipped
    assert "masked (BUCKET)" in shipped
    current = of(url, "Acme", "explain-access", "sales_rep", "Customer.creditLimit")
    assert "sales_rep, by the policy of Acme, version 1, on Customer:" in current
    assert "Read at RESTRICTED, masked (BUCKET) at CONFIDENTIAL" in current
    assert [line.split()[0] for line in current.splitlines() if "CONFIDENTIAL  " in line] == ["own"]
    motto = of(url, "Acme", "explain-access", "auditor", "Customer.xMotto")
    assert "On every row that exists for the caller Customer.xMotto is seen." in motto


def test_what_is_not_there_is_said(url: str) -> None:
    for organization, role, error in (("Acme", "emperor", RoleUnknown), ("Nobody", "sales_rep", OrganizationUnknown)):
        for words in (("schema", "--as", role), ("explain-access", role, "Customer.name")):
            done = command(*words, "--organization", organization, "--database-url", url)
            assert isinstance(done.exception, error), done.stdout
    assert isinstance(command("schema", "--as", "auditor").exception, RoleUnknown)
    assert command("schema", "--organization", "Acme", "--database-url", url).exit_code == 2
