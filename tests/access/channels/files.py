"""Files attached to records: who may see one reads it by its link, and no link opens any other."""

import hashlib
from uuid import uuid4

from crm_graph.auth.actor import KEY_AGAIN, SESSION_AGAIN, Actor, ActorKind
from crm_graph.auth.file_links import DOWNLOAD, FileLinks
from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY
from crm_graph.schema.attachments import Attachment
from tests.access.asking import many_of
from tests.access.channels.registry import Probe, channel
from tests.fixtures.api import SECRET, Answer


async def _fetched(probe: Probe, path: str) -> Answer:
    """What a link answers, with no token beside it; no byte of it may be a secret of others."""
    answer = await probe.api.request("GET", path)
    heads = "\n".join(f"{k}: {v}" for k, v in answer.headers.items()).encode()
    probe.world.secrets.check(probe.role, probe.caller, answer.body + heads, path)
    return answer


@channel("attached file")
async def attached(probe: Probe) -> None:
    if not issubclass(REGISTRY[probe.entity], Attachment):
        return
    listed = many_of(probe.entity)
    wanted = {} if probe.reached else {f"Query.{listed}": "RESTRICTED"}
    answer = await probe.denied(f"{{ {listed}(first: 100) {{ nodes {{ id downloadUrl }} }} }}", None, wanted)
    nodes = answer.json["data"][listed]["nodes"] if probe.reached else []
    for node in nodes:
        found = await _fetched(probe, node["downloadUrl"])
        assert found.status == 200, (node, found.body)
        assert node["id"].partition("_")[2].encode() in found.body, "the planted content names its record"
        assert found.headers["content-disposition"].startswith("attachment")
    # the server's own secret, in wrong hands: a link that is signed rightly still opens nothing but what is seen
    links, ticket = FileLinks(SECRET.encode()), _ticket(probe)
    if ticket is None:
        return
    seen = {row["id"] for row in probe.visible}
    for row in (row["id"] for row in probe.world.rows.tables[probe.entity].values()):
        signature = hashlib.sha256(links.key(ticket) + row.bytes).digest()[:16].hex()
        found = await _fetched(probe, f"/files/{probe.prefix}_{row.hex}/{ticket}.{signature}")
        assert found.status == (200 if row in seen else 410), (probe.role, row, found.status)
        other = await _fetched(probe, f"/files/{probe.prefix}_{uuid4().hex}/{ticket}.{signature}")
        assert other.status == 410


def _ticket(probe: Probe) -> str | None:
    """The ticket of a link that the role would be given."""
    token = probe.api.tokens[probe.role]
    if not token:
        return None
    kind = KEY_AGAIN if token.startswith("crm_key_") else SESSION_AGAIN
    credential = kind + hashlib.sha256(token.encode()).digest()
    organization = probe.world.rows.organization
    actor = Actor(organization, ActorKind.STAFF, Policy({}), credential=credential)
    return FileLinks(SECRET.encode()).ticket(actor, DOWNLOAD)
