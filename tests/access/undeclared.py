"""Run by `test_deny_by_default.py` in a process of its own: an entity that nobody has classified, on the real stack.

Takes a database's address and the callers' file; prints what every caller gets to know of it.
"""

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from crm_graph import entity, schema  # noqa: F401 - declares the model
from crm_graph.auth import default_policy
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import RESTRICTED
from crm_graph.auth.rows import Rule
from crm_graph.entity import Entity, attr, table_of


class Prototype(Entity, table=True):
    """Something new that nobody has classified yet."""

    __prefix__ = "pty"

    formula: str = attr()
    """What must not be known."""


entity.seal()
GRANTED = len(sys.argv) > 3 and sys.argv[3] == "granted"
if GRANTED:  # its rows are given to administrators, its field is still without a level
    roles = dict(default_policy.ROLES)
    grant = Grant(Rule.EVERYONE, RESTRICTED, RESTRICTED, create=True, delete=True)
    roles["administrator"] = {**roles["administrator"], "Prototype": (grant,)}
    default_policy.ROLES = roles
    from crm_graph.auth import policy

    policy.ROLES = roles  # type: ignore[attr-defined]

QUERIES = (
    "{ prototypes(first: 5) { totalCount nodes { id } } }",
    "{ prototypes { nodes { formula } } }",
    '{ prototypes(filter: { formula: { eq: "x" } }) { totalCount } }',
    "{ prototypes(orderBy: [{ formula: ASC }]) { totalCount } }",
    'mutation { createPrototype(input: { formula: "x" }) { userErrors { code } } }',
    '{ __type(name: "Prototype") { fields { name } } }',
    "{ __schema { types { name } } }",
)


async def main(url: str, people: Path) -> None:
    from tests.fixtures.api import running

    connection = await asyncpg.connect(url)
    for table in (table_of(Prototype), Prototype.__history__):
        await connection.execute(str(CreateTable(table).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]
    await connection.execute("SELECT crm_isolate_all()")  # as the end of every migration does
    await connection.execute(
        "INSERT INTO prototypes (organization_id, id, version, created_at, updated_at, formula)"
        " SELECT id, gen_random_uuid(), 1, now(), now(), 'zq.formula' FROM organizations"
    )
    row = await connection.fetchval("SELECT 'pty_' || replace(id::text, '-', '') FROM prototypes LIMIT 1")
    await connection.close()
    found: dict[str, list[object]] = {}
    async with running(url, people.parent, json.loads(people.read_text())) as api:
        for persona in api.tokens:
            answers = [await api.as_(persona)(query) for query in QUERIES]
            answers.append(await api.as_(persona)("query ($id: ID!) { node(id: $id) { id __typename } }", {"id": row}))
            sdl = await api.request("GET", "/schema.graphql", headers=api.headers(persona))
            found[persona] = [
                *(a.json for a in answers),
                sdl.body.decode().count("rototype"),
                sdl.body.decode().count("formula"),
            ]
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
