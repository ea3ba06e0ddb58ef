"""Who did something is told through the lens of users, wherever the API tells it."""

import pytest

from tests.access.policy_world import PolicyWorld

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHO = """{ accessPolicy { createdBy } accessPolicies { createdBy } accessPolicy1: accessPolicy(version: 1) { createdBy }
  accessDenials { userId userName } }"""


async def test_whoever_reads_the_policy_sees_its_authors_as_they_see_users(policies: PolicyWorld) -> None:
    grants = [
        {"entity": "User", "grants": []},
        {"entity": "Customer", "grants": [{"rule": "EVERYONE", "read": "INTERNAL"}]},
    ]
    made = {"roles": [{"name": "auditor", "rights": ["POLICY_READ"], "grants": grants}]}
    assert (await policies.update("administrator", made))["userErrors"] == []
    auditor = await policies.user("auditor")
    await policies.api.as_(auditor)("{ customers(first: 1) { nodes { riskNote } } }")
    await policies.api.app.endpoint._refusals.close()
    unseen = (await policies.api.as_(auditor)(WHO)).data
    assert unseen["accessPolicy"] == unseen["accessPolicy1"] == {"createdBy": None}
    assert unseen["accessPolicies"] == [{"createdBy": None}]
    assert unseen["accessDenials"]
    assert all(d == {"userId": None, "userName": None} for d in unseen["accessDenials"])
    seen = (await policies.api.as_("administrator")(WHO)).data
    author = f"usr_{(await policies.admin.fetchval('SELECT created_by FROM access_policies')).hex}"
    assert seen["accessPolicy"] == {"createdBy": author}
    assert seen["accessPolicies"] == [{"createdBy": author}]
    assert auditor in {d["userName"] for d in seen["accessDenials"]}
