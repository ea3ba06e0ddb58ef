"""The demo checked as callers meet it: `make run CHECK=1` starts the server, runs this against it and ends.

Prints what was asked and answered. What should hold is written down here by hand, not taken from the policy's code.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from crm_graph.demo import personas
from crm_graph.demo.check_client import Answer, Client, Unreachable
from crm_graph.demo.check_import import check_import
from crm_graph.demo.check_readme import check_readme
from crm_graph.demo.generate import SHARED_CUSTOMER

CALLERS: Final = ("administrator", "sales_rep", "partner_rep", "storefront")
"""The four callers whose answers are compared."""

ONE_CUSTOMER: Final = f"""\
query OneCustomer {{
  customers(filter: {{ name: {{ eq: "{SHARED_CUSTOMER}" }} }}) {{
    nodes {{ name email creditLimit {{ amount }} riskNote owner {{ name }} openTickets hiddenFields maskedFields }}
  }}
}}
"""
PRODUCT: Final = "{ products(first: 1) { nodes { name unitCost { amount } } } }"
COUNT: Final = "{ customers(first: 0) { totalCount } }"
BY_HIDDEN: Final = (
    ("filter", '{ customers(filter: { lifetimeValue: { gt: "0" } }) { totalCount } }'),
    ("order", "{ customers(first: 1, orderBy: [{ lifetimeValue: DESC }]) { nodes { id } } }"),
    ("nested filter", '{ opportunities(filter: { customer: { lifetimeValue: { gt: "0" } } }) { totalCount } }'),
)


def run_checks(address: str, url: str, data_dir: Path) -> list[str]:
    """Check a running demo server at `address` with its database at `url`; gives what failed, as sentences. Blocks."""
    known = personas.read(data_dir)
    if known is None:
        return [f"{data_dir / personas.FILE} is not what the demo writes"]
    clients = {one["key"]: Client(address, one["token"]) for one in known}
    checks: Sequence[tuple[str, Callable[[], list[str]]]] = (
        ("Pages", lambda: _pages(clients)),
        ("One customer, four callers", lambda: _one_customer(clients)),
        ("What is hidden cannot be inferred", lambda: _hidden(clients)),
        ("Callers", lambda: _callers(clients, address)),
        ("The README's queries", lambda: check_readme({name: clients[name] for name in CALLERS})),
        ("An export with misspelt references", lambda: check_import(clients["administrator"], url, data_dir)),
    )
    failures: list[str] = []
    for title, check in checks:
        _say(f"\n── {title}")
        try:
            found = check()
        except Unreachable as error:
            found = [str(error)]
        except (KeyError, IndexError, TypeError) as error:  # an answer of another shape than any we know
            found = [f"an answer was not of the form expected ({type(error).__name__}: {error})"]
        failures += [f"{title}: {failure}" for failure in found]
        _say("ok" if not found else "\n".join(f"FAILED: {failure}" for failure in found))
    _say(f"\n{'Everything holds.' if not failures else f'{len(failures)} of the checks failed.'}")
    return failures


def _pages(clients: dict[str, Client]) -> list[str]:
    client, failures = clients["administrator"], []
    for path, status, wanted in (
        ("/healthz", 200, '"alive":true'),
        ("/readyz", 200, '"ready":true'),
        ("/", 200, "<html"),
        ("/sign-in", 200, "<form"),
        ("/schema.graphql", 200, "type Customer "),
        ("/nowhere", 404, ""),
    ):
        found, body = client.get(path)
        _say(f"GET {path} → {found}, {len(body)} bytes")
        if found != status or wanted not in body:
            failures.append(f"GET {path} answered {found}, {status} with {wanted!r} was expected")
    if "type Customer " in clients["storefront"].get("/schema.graphql")[1]:
        failures.append("the schema shows the storefront the type Customer")
    return failures


def _one_customer(clients: dict[str, Client]) -> list[str]:
    """Confidential, restricted, masked, of another entity, counted: each is what each caller's level allows."""
    _say(ONE_CUSTOMER)
    found: dict[str, dict[str, object]] = {}
    failures: list[str] = []
    for caller in CALLERS:
        answer = clients[caller].ask(ONE_CUSTOMER)
        _say(f"{caller}: {answer}")
        nodes = answer.at("customers", "nodes")
        found[caller] = nodes[0] if isinstance(nodes, list) and nodes else {}
        wanted = _DENIED[caller]
        if answer.denied() != wanted:
            failures.append(f"{caller} is denied {sorted(answer.denied())}, not {sorted(wanted)}")
    administrator, rep, partner = (found[caller] for caller in CALLERS[:3])
    email = str(administrator.get("email"))
    masked = f"{email[:1]}•••@{email.partition('@')[2]}"
    for holds, failure in (
        (not found["storefront"], "the storefront sees a customer"),
        ("@" in email and not administrator["hiddenFields"], "the administrator does not see the whole customer"),
        (administrator.get("creditLimit") is not None, "the administrator does not see the credit limit"),
        (rep.get("email") == masked, f"the sales rep sees {rep.get('email')!r} of the e-mail address, not {masked!r}"),
        (rep.get("creditLimit") is None, "the sales rep sees the credit limit of somebody else's customer"),
        ("creditLimit" in _list(rep["hiddenFields"]), "the sales rep is not told that the credit limit is hidden"),
        (partner.get("email") == email, "the partner rep does not see the e-mail address that is shared with them"),
        (
            "creditLimit" in _list(partner["maskedFields"]),
            "the partner rep is not told that the credit limit is masked",
        ),
        (partner.get("creditLimit") != administrator.get("creditLimit"), "the partner rep sees the credit limit"),
        (rep.get("riskNote") is None and partner.get("riskNote") is None, "a restricted field is seen"),
        (rep.get("owner") is None and partner.get("owner") is None, "the owner is seen below its level"),
    ):
        if not holds:
            failures.append(failure)
    return failures


_DENIED: Final = {
    "administrator": frozenset[str](),
    "sales_rep": frozenset({"Customer.riskNote"}),
    "partner_rep": frozenset({"Customer.riskNote"}),
    "storefront": frozenset({"Query.customers"}),
}


def _hidden(clients: dict[str, Client]) -> list[str]:
    failures: list[str] = []
    answer = clients["storefront"].ask(PRODUCT)
    _say(f"storefront: {PRODUCT} → {answer}")
    if answer.at("products", "nodes", 0, "unitCost") is not None or answer.denied() != {"Product.unitCost"}:
        failures.append("the storefront is not denied Product.unitCost")
    if answer.at("products", "nodes", 0, "name") is None:
        failures.append("the storefront does not see the catalogue")
    for how, query in BY_HIDDEN:
        for caller in ("partner_rep", "other_partner_rep"):
            answer = clients[caller].ask(query)
            _say(f"{caller}: {query} → {answer}")
            if answer.codes() != ["PREDICATE_ACCESS_DENIED"] or answer.data:
                failures.append(f"a {how} by a hidden field of {caller} is not refused")
        if clients["administrator"].ask(query).codes():
            failures.append(f"the administrator is refused a {how} by lifetimeValue")
    counts = {caller: clients[caller].ask(COUNT).at("customers", "totalCount") for caller in CALLERS}
    _say(f"{COUNT} → {counts}")
    everybody, partners, shop = counts["administrator"], counts["partner_rep"], counts["storefront"]
    if not (isinstance(everybody, int) and isinstance(partners, int) and 0 < partners < everybody and shop is None):
        failures.append(f"the callers count customers as {counts}")
    return failures


def _callers(clients: dict[str, Client], address: str) -> list[str]:
    """A wrong token is refused, never taken for an anonymous caller."""
    answer = Client(address, "crm_key_00000000_wrong").ask(COUNT)
    _say(f"a wrong token → {answer.status} {answer}")
    failures = [] if answer.codes() == ["UNAUTHENTICATED"] and not answer.data else ["a wrong token is not refused"]
    for caller, client in clients.items():
        answer = client.ask("{ products(first: 1) { nodes { name } } }")
        if answer.status != 200 or not isinstance(answer.data, dict):
            failures.append(f"{caller} is answered {answer.status} {answer}")
    return failures


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _say(text: object) -> None:
    print(text, flush=True)  # noqa: T201 - this is what CHECK=1 is for


__all__ = ["CALLERS", "Answer", "run_checks"]
