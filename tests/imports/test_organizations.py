"""Which organisation an import is for, and whose rights it has."""

import pytest

from crm_graph.db.ids import encode
from crm_graph.imports.organizations import OrganizationUnknown, UserUnknown, importing_actor
from crm_graph.plan.writes.write import insert_fields

from .conftest import Importing


async def test_an_import_as_a_user_has_their_roles_and_teams(importing: Importing) -> None:
    actor = importing.actor
    async with importing.database.transaction(actor.organization_id, None, "test") as tx:
        above = (await insert_fields(tx, actor, "Team", {"name": "North"})).id
        below = (await insert_fields(tx, actor, "Team", {"name": "Far north", "parent_id": above})).id
        await insert_fields(tx, actor, "Team", {"name": "South"})
        facts = {"name": "Rep", "roles": ["sales_rep"], "team_id": above}
        rep = (await insert_fields(tx, actor, "User", {**facts, "email": "rep@example.com"})).id
        await insert_fields(tx, actor, "User", {**facts, "email": "gone@example.com", "status": "SUSPENDED"})
    organization = encode("org", actor.organization_id)
    found = await importing_actor(importing.database, organization, "REP@example.com")
    assert (found.user_id, set(found.team_ids), found.roles, found.channel) == (
        rep,
        {above, below},
        ("sales_rep",),
        "import",
    )
    assert await importing_actor(importing.database, organization, " Rep@Example.com ") == found
    assert not any(grant.delete for grant in found.policy.on("Customer"))
    for nobody in ("gone@example.com", "nobody@example.com"):
        with pytest.raises(UserUnknown):
            await importing_actor(importing.database, organization, nobody)


async def test_the_organisation_must_be_clear(importing: Importing) -> None:
    with pytest.raises(OrganizationUnknown, match="no organisation called nowhere"):
        await importing_actor(importing.database, "nowhere", None)
    [row] = await importing.fetch("SELECT name FROM organizations WHERE id = $1")
    assert (
        await importing_actor(importing.database, row["name"].upper(), None)
    ).organization_id == importing.actor.organization_id
