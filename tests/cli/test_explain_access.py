"""`crm-graph explain-access` says what the lens does: for roles, for people, for one record."""

from uuid import UUID

import asyncpg
import pytest

from crm_graph.auth.access_policy import access_policy
from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.levels import Level
from crm_graph.auth.policy import Policy, resolve
from crm_graph.cli.access_report import FieldUnknown, described, granted, sees, ways, writes
from crm_graph.cli.explain_access import CallerUnclear
from crm_graph.db import ids
from crm_graph.db.ids import uuid7
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.fields import classified
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.policies.effective import AccessAction, AccessOutcome, of_entity
from crm_graph.plan.sql.parameters import Parameters
from tests.cli.commands import command
from tests.conftest import blocking

ORGANIZATION, REP, OTHER, COLLEAGUE, PARTNER_USER = (uuid7() for _ in range(5))
TEAM, OTHER_TEAM, PARTNER, OWN, TEAMS, SHARED, FOREIGN = (uuid7() for _ in range(7))
EMAIL = "kim.order@example.org"


@pytest.fixture(scope="module")
def filled(module_database_url: str) -> str:
    """One organisation: a rep, colleagues, a partner, and customers in each relation to the rep."""
    blocking(_fill(module_database_url))
    return module_database_url


async def _fill(url: str) -> None:
    admin = await asyncpg.connect(url)

    async def row(table: str, id_: UUID, **values: object) -> None:
        names = ["organization_id", "id", "version", "created_at", "updated_at", *values]
        places = ", ".join(["$1", "$2", "1", "now()", "now()", *(f"${n}" for n in range(3, 3 + len(values)))])
        organization = id_ if table == "organizations" else ORGANIZATION
        await admin.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", organization, id_, *values.values()
        )

    await row("organizations", ORGANIZATION, name="Acme", currency="EUR", hosts=["acme.test"])
    for team in (TEAM, OTHER_TEAM):
        await row("teams", team, name=str(team))
    await row("partners", PARTNER, name="Reseller", kind="RESELLER")
    people = {REP: ("rep@acme.test", "sales_rep", TEAM), COLLEAGUE: ("colleague@acme.test", "sales_rep", TEAM)}
    people[OTHER] = ("other@acme.test", "sales_rep", OTHER_TEAM)
    for user, (email, role, team) in people.items():
        await row("users", user, name=email, email=email, status="ACTIVE", roles=[role], team_id=team)
    reseller = {"name": "P", "email": "p@reseller.test", "roles": ["partner_rep"], "partner_id": PARTNER}
    await row("users", PARTNER_USER, status="ACTIVE", **reseller)
    for customer, owner, team in (
        (OWN, REP, TEAM), (TEAMS, COLLEAGUE, TEAM), (SHARED, OTHER, OTHER_TEAM), (FOREIGN, OTHER, OTHER_TEAM),
    ):  # fmt: skip
        values = {"name": "Kim", "kind": "PERSON", "stage": "PROSPECT", "currency": "EUR", "email": EMAIL}
        await row("customers", customer, **values, owner_id=owner, team_id=team, credit_limit=1234)
    for grantee, level in (({"user_id": REP}, "INTERNAL"), ({"partner_id": PARTNER}, "PARTNER")):
        period = "'-infinity', 'infinity'"
        [(name, id_)] = grantee.items()
        await admin.execute(
            f"INSERT INTO customer_shares (organization_id, id, version, created_at, updated_at, customer_id, {name},"
            f" level, valid_from, valid_until) VALUES ($1, $2, 1, now(), now(), $3, $4, $5, {period})",
            ORGANIZATION, uuid7(), SHARED, id_, level,
        )  # fmt: skip
    await admin.close()


@pytest.mark.parametrize(
    ("who", "row", "clearance", "email"),
    [
        ("rep@acme.test", OWN, "CONFIDENTIAL", EMAIL),
        ("rep@acme.test", TEAMS, "INTERNAL", EMAIL),
        ("rep@acme.test", SHARED, "INTERNAL", EMAIL),
        ("rep@acme.test", FOREIGN, "PARTNER", "k•••@example.org"),
        ("p@reseller.test", SHARED, "PARTNER", "k•••@example.org"),
    ],
)
def test_the_rule_that_decides_on_a_record_is_named(
    filled: str, who: str, row: UUID, clearance: str, email: str
) -> None:
    id_ = ids.encode("cus", row)
    done = command("explain-access", who, "Customer.email", "--row", id_, "--database-url", filled)
    assert done.exit_code == 0, done.exception
    on_row = done.stdout.partition(f"On {id_}:")[2]
    reached = {line.split()[0]: line.split()[1:] for line in on_row.splitlines() if line.count(" ") and "es" in line}
    levels = [Level[cells[1]] for cells in reached.values() if cells[:1] == ["yes"]]
    assert max(levels).name == clearance
    assert f"So the clearance on it is {clearance}, and Customer.email shows {email!r}." in on_row


def test_a_record_no_rule_reaches_does_not_exist(filled: str) -> None:
    id_ = ids.encode("cus", FOREIGN)
    done = command("explain-access", "p@reseller.test", "Customer.email", "--row", id_, "--database-url", filled)
    assert "shared  no" in done.stdout
    assert "the record does not exist for the caller" in done.stdout
    assert EMAIL not in done.stdout


def test_a_person_is_needed_for_a_record_and_must_exist(filled: str) -> None:
    id_ = ids.encode("cus", OWN)
    for who in ("sales_rep", "nobody@acme.test"):
        done = command("explain-access", who, "Customer.email", "--row", id_, "--database-url", filled)
        assert isinstance(done.exception, CallerUnclear)
    done = command("explain-access", "rep@acme.test", "Order.number", "--row", id_, "--database-url", filled)
    assert isinstance(done.exception, CallerUnclear)


def test_a_role_is_explained_without_a_database() -> None:
    done = command("explain-access", "sales_rep", "Customer.creditLimit")
    assert done.exit_code == 0
    rows = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "the value" in rows["own"]
    assert "masked (BUCKET)" in rows["team"]
    assert "nothing" in rows["everyone"]
    assert "owner_id is the caller" in rows["own"]


@pytest.mark.parametrize("coordinate", ["Customr.name", "Customer.nme", "Customer", ""])
def test_what_is_not_a_field_is_said_with_a_suggestion(coordinate: str) -> None:
    found = command("explain-access", "sales_rep", coordinate).exception
    assert isinstance(found, FieldUnknown)
    if coordinate == "Customer.nme":
        assert "'name'" in str(found)


@pytest.mark.parametrize("role", ROLES)
def test_what_is_said_of_every_field_is_what_the_lens_does(role: str) -> None:
    """A field that shows on no row is so said, on all rows so said, and the levels are those of the lens."""
    policy = resolve(frozenset([role]))
    for entity in REGISTRY.values():
        lens, found = open_lens(entity, policy, Parameters(), "t"), ways(entity, policy)
        assert (lens is None) == (not found)
        if lens is None:
            continue
        assert max(way.read for way in found) == lens.highest
        for spec in entity.__specs__.values():
            if spec.read is None:
                continue
            said = {sees(spec, way) for way in found}
            assert (said == {"nothing"}) == (lens.column(spec).sql is None), (role, entity, spec.graphql, said)
            text = granted(role, policy, entity, spec)
            assert ("FIELD_ACCESS_DENIED" in text.splitlines()[-1]) >= (said == {"nothing"})
            assert spec.description.split("\n")[0] in described(entity, spec)


def written(policy: Policy, entity: str) -> set[str]:
    """Fields that some row's way writes, by this report; the matrix must say the same."""
    found = ways(REGISTRY[entity], policy)
    said = {
        spec.graphql
        for spec in REGISTRY[entity].__specs__.values()
        if spec.read and any(writes(spec, way) in ("yes", "when created") for way in found)
    }
    cells = [cell for cell in of_entity(REGISTRY[entity], policy) if cell.action is AccessAction.WRITE]
    assert said == {cell.field for cell in cells if cell.outcome is not AccessOutcome.NO}, entity
    return said


@pytest.mark.parametrize("role", ROLES)
def test_what_is_said_to_be_written_is_what_the_matrix_says(role: str) -> None:
    found = {entity: written(resolve(frozenset([role])), entity) for entity in REGISTRY}
    assert any(found.values()) == (role not in ("customer", "storefront"))


def test_a_part_is_not_written_where_its_whole_is_only_read() -> None:
    def contact(customer: dict[str, str]) -> set[str]:
        part = {"rule": "parent", "read": "INTERNAL", "write": "INTERNAL"}
        grants = {"Customer": [{"rule": "everyone", "read": "INTERNAL", **customer}], "Contact": [part]}
        policy = access_policy({"roles": {"sales_rep": {"grants": grants}}})
        assert policy.problems == ()
        return written(policy.resolve(frozenset({"sales_rep"})), "Contact")

    assert contact({}) == set()
    assert "email" in contact({"write": "INTERNAL"})


def test_what_leaves_a_category_out_does_not_write_it() -> None:
    grant = {"rule": "everyone", "read": "CONFIDENTIAL", "write": "CONFIDENTIAL", "without": ["COMMERCIAL"]}
    policy = access_policy({"roles": {"sales_rep": {"grants": {"Customer": [grant]}}}})
    found = written(policy.resolve(frozenset({"sales_rep"})), "Customer")
    assert "name" in found
    assert "creditLimit" not in found


def test_a_masked_field_is_written_by_who_reads_it_in_full_whatever_its_write_level() -> None:
    grants = {"Customer": [{"rule": "everyone", "read": "INTERNAL", "write": "INTERNAL"}]}
    levels = {"Customer.creditLimit": {"read": "CONFIDENTIAL", "write": "PUBLIC"}}
    policy = access_policy({"roles": {"sales_rep": {"grants": grants}}, "levels": levels})
    assert policy.problems == ()
    resolved = policy.resolve(frozenset({"sales_rep"}))
    [cell] = [
        cell
        for cell in of_entity(REGISTRY["Customer"], resolved)
        if (cell.field, cell.action) == ("creditLimit", AccessAction.WRITE)
    ]
    assert cell.outcome is AccessOutcome.NO
    spec = classified(REGISTRY["Customer"], policy.classification)["credit_limit"]
    assert [writes(spec, way) for way in ways(REGISTRY["Customer"], resolved)] == ["no"]
