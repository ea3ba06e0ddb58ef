"""A share keeps the date of what it shares; pages by date begin there."""

import asyncpg
import pytest

from tests.plan.forms.world import plant

pytestmark = pytest.mark.asyncio(loop_scope="session")

_APART = (
    "SELECT count(*) FROM customer_shares s JOIN customers c ON c.organization_id = s.organization_id AND c.id = s.customer_id"
    " WHERE s.row_created_at IS DISTINCT FROM c.created_at"
)


async def test_shares_have_the_dates_of_what_they_share(database_url: str) -> None:
    await plant(database_url)
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM customer_shares WHERE row_created_at IS NOT NULL") > 50
        assert await connection.fetchval(_APART) == 0
        shared = await connection.fetchval("SELECT customer_id FROM customer_shares LIMIT 1")
        await connection.execute("UPDATE customers SET created_at = '2020-02-02Z' WHERE id = $1", shared)
        assert await connection.fetchval(_APART) == 0
        assert await connection.fetchval("SELECT count(*) FROM customers WHERE created_at = '2020-02-02Z'") == 1
    finally:
        await connection.close()
