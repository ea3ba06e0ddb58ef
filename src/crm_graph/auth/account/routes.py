"""Which path leads to which page of the account."""

from starlette.routing import Route

from crm_graph.auth.account import confirm, passkeys, password, second_step
from crm_graph.auth.account.overview import Account
from crm_graph.auth.account.visit import CONFIRM, Visits
from crm_graph.auth.passwords import Passwords
from crm_graph.auth.proofs.passkeys import Passkeys
from crm_graph.auth.sealing import Sealer
from crm_graph.auth.sign_in.entrance import Entrance
from crm_graph.auth.sign_in.page import Handler, refusing
from crm_graph.auth.throttle.throttles import Throttle, Throttles


def account_routes(
    account: Account,
    visits: Visits,
    passwords: Passwords,
    sealer: Sealer,
    keys: Passkeys,
    throttles: Throttles,
    codes: Throttle,
    entrance: Entrance,
) -> list[Route]:
    """`/account` and all below it."""
    proof = confirm.Confirm(visits, passwords, keys, throttles)
    secret = password.PasswordPage(visits, passwords, throttles, entrance)
    app = second_step.SecondStepPage(visits, sealer, codes)
    mine = passkeys.PasskeyPage(visits, keys)
    return [
        _get("/account", account.show),
        _post("/account/sessions/revoke", account.revoke_session),
        _post("/account/sessions/revoke-others", account.revoke_other_sessions),
        _post("/account/keys", account.create_key),
        _get("/account/keys", account.back),
        _post("/account/keys/revoke", account.revoke_key),
        _get(CONFIRM, proof.show),
        _post(CONFIRM, proof.by_password),
        _post(f"{CONFIRM}/passkey", proof.by_passkey),
        _get(f"{CONFIRM}/passkey", proof.back),
        _get(password.PATH, secret.show),
        _post(password.PATH, secret.change),
        _get(second_step.PATH, app.show),
        _post(f"{second_step.PATH}/begin", app.begin),
        _post(f"{second_step.PATH}/confirm", app.confirm),
        _post(f"{second_step.PATH}/codes", app.renew),
        _post(f"{second_step.PATH}/off", app.off),
        *(_get(f"{second_step.PATH}/{what}", app.back) for what in ("begin", "confirm", "codes", "off")),
        _get(passkeys.PATH, mine.show),
        _post(passkeys.PATH, mine.add),
        _post(f"{passkeys.PATH}/rename", mine.rename),
        _post(f"{passkeys.PATH}/remove", mine.remove),
        *(_get(f"{passkeys.PATH}/{what}", mine.back) for what in ("rename", "remove")),
    ]


def _get(path: str, handler: Handler) -> Route:
    return Route(path, refusing(handler), methods=["GET"])


def _post(path: str, handler: Handler) -> Route:
    return Route(path, refusing(handler), methods=["POST"])
