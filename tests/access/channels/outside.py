"""What is not GraphQL: pages, the explorer's configuration, and the command that explains access."""

from crm_graph.auth.policy import resolve
from crm_graph.cli.access_report import granted
from crm_graph.entity import REGISTRY
from tests.access.channels.registry import Probe, channel

PATHS = ("/", "/explorer/config.json", "/sign-in", "/account", "/access", "/healthz", "/readyz", "/nowhere")


@channel("pages")
async def pages(probe: Probe) -> None:
    """Every page answers everybody without a secret, for whoever presents a key and for whoever does not."""
    if probe.entity != "Organization":  # they are about no entity; once a role is enough
        return
    for path in PATHS:
        for headers in (probe.api.headers(probe.role), {}):
            answer = await probe.api.request("GET", path, headers={**headers, "accept": "text/html"})
            assert answer.status < 500, (path, answer.status)
            heads = "\n".join(f"{k}: {v}" for k, v in answer.headers.items()).encode()
            probe.world.secrets.check(probe.role, probe.caller, answer.body + heads, path)


@channel("explain-access")
async def explained(probe: Probe) -> None:
    """The command says of each field exactly whether the role sees it on some row, and shows no value of any."""
    policy, entity = resolve(frozenset([probe.role])), REGISTRY[probe.entity]
    for one in (one for one in probe.fields if not one.listed and not one.counted):
        text = granted(probe.role, policy, entity, entity.__specs__[one.column])
        assert ("FIELD_ACCESS_DENIED" in text) is (one in probe.hidden), (probe.role, one.coordinate, text)
        probe.world.secrets.check(probe.role, probe.caller, text.encode(), "explain-access")
