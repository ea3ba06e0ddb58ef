"""Who does not exist costs as much as who does: the same hashes and signatures are verified, as many statements sent.

Counted, not timed: what is counted here is what takes time.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import event
from sqlalchemy.engine import Engine

from crm_graph.auth.oauth.clients import Client
from crm_graph.db.lanes import Lanes
from tests.auth.conftest import ADA, form_token
from tests.auth.oauth.conftest import ISSUER, App, Site

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOBODY = "cli_" + "0" * 32


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What has been done: verifications by their kind, and statements."""
    done: Counter[str] = Counter()

    def counted(owner: Any, name: str, what: str) -> None:
        real = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            done[what] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(owner, name, wrapped)

    counted(PasswordHasher, "verify", "argon2")
    counted(Client, "check_client_secret", "secret")
    for algorithm in ("ES256", "RS256"):
        counted(jws.JWSRegistry.algorithms[algorithm], "verify", algorithm)
    counted(Lanes, "fetch", "read")

    def sent(*_: Any) -> None:
        done["statement"] += 1

    event.listen(Engine, "before_cursor_execute", sent)
    yield done
    event.remove(Engine, "before_cursor_execute", sent)


async def test_signing_in_as_nobody(site: Site, work: Counter[str]) -> None:
    await site.world.user(site.organization, name="Gone", email="gone@acme.test", password="x" * 12, status="SUSPENDED")
    await site.world.user(site.organization, name="Keyless", email="keyless@acme.test")
    found = {}
    async with site.client() as stranger:
        token = form_token(await stranger.get("/sign-in"))
        for email in (ADA, "nobody@acme.test", "gone@acme.test", "keyless@acme.test"):
            work.clear()
            data = {"form_token": token, "email": email, "password": "not the password"}
            assert (await stranger.post("/sign-in", data=data)).status_code == 422
            found[email] = dict(work)
    assert found[ADA]["argon2"] == 1
    assert all(counts == found[ADA] for counts in found.values()), found


async def test_asking_for_a_code_as_nobody(site: Site, work: Counter[str]) -> None:
    customer = await site.world.row("customers", site.organization, name="Cy", kind="PERSON", stage="CUSTOMER", currency="CHF", email="cy@acme.test")  # fmt: skip
    await site.world.user(site.organization, name="Cy", email="cy@acme.test", customer_id=customer, roles=["customer"])
    found = {}
    async with site.client() as stranger:
        token = form_token(await stranger.get("/sign-in/code"))
        for email in ("cy@acme.test", "nobody@acme.test", ADA):
            work.clear()
            assert (await stranger.post("/sign-in/code", data={"form_token": token, "email": email})).status_code == 303
            found[email] = dict(work)
    assert all(counts == found["cy@acme.test"] for counts in found.values()), found


async def test_apps_that_do_not_exist(site: Site, work: Counter[str]) -> None:
    app, waiting = await site.service(), await site.service(status="PENDING")
    partner = await site.world.row("partners", site.organization, name="Nordwind", kind="AGENT")
    await site.world.user(site.organization, name="Nora", partner_id=partner, roles=["partner_rep"])
    theirs = await site.register("Theirs", partner_id=partner, scopes=("openid", "customers:read"))
    keyed = await site.service(auth_method="private_key_jwt", jwks=_public(ECKey.generate_key("P-256")))
    await site.token(App(NOBODY, "x", ""), grant_type="client_credentials")  # the first of all makes the signing key
    names = (app.client_id, NOBODY, "nonsense", waiting.client_id, theirs.client_id, keyed.client_id)
    found = {}
    for client_id in names:
        work.clear()
        answer = await site.token(App(client_id, "crm_sec_wrong", ""), grant_type="client_credentials")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        found[client_id] = dict(work)
    assert found[app.client_id]["secret"] == 1
    assert all(counts == found[app.client_id] for counts in found.values()), found


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_assertions_of_apps_that_do_not_exist(site: Site, work: Counter[str], algorithm: str) -> None:
    keys = [_key(algorithm), _key(algorithm)]
    one = await site.service(auth_method="private_key_jwt", jwks=_public(keys[0]))
    two = await site.service(auth_method="private_key_jwt", jwks=_public(*keys))
    secret = await site.service()
    await site.token(App(NOBODY, "x", ""), grant_type="client_credentials")  # the first of all makes the signing key
    forger, found = _key(algorithm), {}
    for client_id in (one.client_id, two.client_id, secret.client_id, NOBODY):
        for kid in (None, "somebody's"):
            work.clear()
            claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": "once", "exp": int(time.time()) + 60}
            header = {"alg": algorithm, **({"kid": kid} if kid else {})}
            signed = jwt.encode(header, claims, forger, algorithms=[algorithm])
            form = {"client_assertion_type": ASSERTION, "client_assertion": signed, "grant_type": "client_credentials"}
            async with site.client(address=f"203.0.113.{20 + len(found)}") as client:
                answer = await client.post("/oauth/token", data=form)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
            found[client_id, kid] = dict(work)
    first = found[one.client_id, None]
    assert first[algorithm] == 1
    assert all(counts == first for counts in found.values()), found


def _key(algorithm: str) -> Any:
    return ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)


def _public(*keys: Any) -> Any:
    return KeySet(list(keys)).as_dict(private=False)
