"""The explorer in a real browser (Debian's Chromium) against the running server in demo mode."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.fixtures.live import Server

if TYPE_CHECKING:
    from playwright import sync_api as playwright

pytestmark = pytest.mark.full

CHROMIUM = "/usr/bin/chromium"
PHONE, DESKTOP = {"width": 375, "height": 760}, {"width": 1440, "height": 900}
QUERY = """query Names($first: Int) {
  customers(first: $first) { totalCount nodes { id name email creditLimit { amount } } }
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    assert Path(CHROMIUM).exists(), "apt-get install chromium"
    from playwright.sync_api import sync_playwright  # of the dependency group `full`: not there in `make test`

    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


class Visit:
    """A page of its own that notes what must not happen: console messages, errors, requests elsewhere."""

    def __init__(
        self, browser: "playwright.Browser", url: str, viewport: dict[str, int], scheme: str = "light"
    ) -> None:
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self.context.set_default_timeout(15_000)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.elsewhere: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.origin = urlsplit(url).netloc
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(url)
        self.page.wait_for_selector("body[data-ready]")

    def _note(self, request: "playwright.Request") -> None:
        if urlsplit(request.url).netloc != self.origin:
            self.elsewhere.append(request.url)
        if urlsplit(request.url).path.endswith("/graphql"):
            self.sent.append(request.headers)

    def write(self, query: str, variables: str = "") -> None:
        self.page.fill("#query", query)
        self.page.fill("#variables", variables)

    def run(self) -> str:
        with self.page.expect_response(re.compile("/graphql$")):
            self.page.click("#run")
        self.page.wait_for_selector("#answer:not(.waiting) .facts .status")
        return self.page.inner_text("#output")


@pytest.fixture
def desktop(browser: "playwright.Browser", live_server: Server) -> Iterator[Visit]:
    yield from visiting(Visit(browser, live_server.url, DESKTOP))


@pytest.fixture
def phone(browser: "playwright.Browser", live_server: Server) -> Iterator[Visit]:
    yield from visiting(Visit(browser, live_server.url, PHONE, "dark"))


def visiting(visit: Visit) -> Iterator[Visit]:
    yield visit
    visit.context.close()
    assert visit.problems == []
    assert visit.elsewhere == []


def test_every_sample_runs(desktop: Visit) -> None:
    cards = desktop.page.locator("#panel-samples .card")
    assert cards.count() > 0
    for index in range(cards.count()):
        cards.nth(index).click()
        answer = desktop.run()
        assert '"data"' in answer
        assert desktop.page.inner_text(".facts .status") == "200 OK"
    assert re.search(r"\d ms", desktop.page.inner_text(".facts"))
    assert re.search(r"\d (B|kB)", desktop.page.inner_text(".facts"))


def test_switching_the_persona_changes_the_token_and_the_schema(desktop: Visit) -> None:
    desktop.page.select_option("#persona", "administrator")
    desktop.write(QUERY, '{"first": 3}')
    as_administrator = desktop.run()
    first_token = desktop.sent[-1].get("authorization")
    with desktop.page.expect_response(re.compile("/graphql$")):  # introspection as the new caller
        desktop.page.select_option("#persona", "partner_rep")
    as_partner = desktop.run()
    assert desktop.sent[-1].get("authorization") != first_token
    assert as_partner != as_administrator
    desktop.page.reload()
    desktop.page.wait_for_selector("body[data-ready]")
    assert desktop.page.input_value("#persona") == "partner_rep"
    assert desktop.page.input_value("#query") == QUERY


def test_compare_marks_what_differs(desktop: Visit) -> None:
    desktop.write(QUERY, '{"first": 20}')
    desktop.page.click("#compare")
    chosen = desktop.page.locator(".chips input:checked")
    assert chosen.count() == 4
    assert desktop.page.locator(".chips input:not(:checked):not(:disabled)").count() == 0
    desktop.run()
    desktop.page.wait_for_selector(".comparison")
    assert desktop.page.locator(".comparison thead th").count() == 4
    assert desktop.page.locator(".comparison tbody td.differs").count() > 0
    assert desktop.page.locator(".comparison tbody td.denied").count() > 0
    assert desktop.page.locator(".comparison tbody td.missing").count() > 0
    assert "FIELD_ACCESS_DENIED" in desktop.page.inner_text(".comparison tfoot")
    assert len({headers.get("authorization") for headers in desktop.sent[-4:]}) == 4
    equal = desktop.page.locator(".comparison tbody tr.equal")
    assert equal.count() == 0 or equal.first.is_visible()
    desktop.page.check(".legend input")
    assert all(not equal.nth(index).is_visible() for index in range(equal.count()))
    for index in range(2):
        chosen.nth(index).focus()
        desktop.page.keyboard.press("Space")
    assert chosen.count() == 2
    assert chosen.first.is_disabled()


def test_completion_of_fields_arguments_and_enum_values(desktop: Visit) -> None:
    page = desktop.page
    page.fill("#query", "")
    page.click("#query")
    page.keyboard.type("{ custome")
    options = page.locator("#suggestions [role=option] .label")
    options.first.wait_for()
    assert {"customer", "customers"} <= set(options.all_inner_texts())
    page.keyboard.type("rs(fi")
    assert {"first", "filter"} <= set(options.all_inner_texts())
    page.keyboard.press("Escape")
    assert not page.is_visible("#suggestions")
    page.fill("#query", "{ customers(orderBy: [{name: }]) { nodes { na } } }")
    page.evaluate("document.getElementById('query').setSelectionRange(29, 29)")
    page.keyboard.press("Control+Space")
    assert "ASC" in options.all_inner_texts()
    page.keyboard.press("Enter")
    assert "{name: ASC" in page.input_value("#query")


def test_editing_keys(desktop: Visit) -> None:
    page = desktop.page
    page.fill("#query", "")
    page.click("#query")
    page.keyboard.type("{")
    page.keyboard.press("Enter")
    page.keyboard.type("__typename")
    assert page.input_value("#query") == "{\n  __typename\n}"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # leaves, instead of indenting
    assert page.evaluate("document.activeElement.id") == "variables"
    page.fill("#query", "query Q($a:Int,$b:[Int!]=[1,2]){a:__typename ...on Query{b:__typename}}")
    page.click("#prettify")
    expected = "query Q($a: Int, $b: [Int!] = [1, 2]) {\n  a: __typename\n  ... on Query {\n    b: __typename\n  }\n}\n"
    assert page.input_value("#query") == expected
    page.fill("#query", "{ a(x:")  # unfinished: left alone
    page.click("#prettify")
    assert page.input_value("#query") == "{ a(x:"
    page.fill("#variables", "{")
    assert page.get_attribute("#variables", "aria-invalid") == "true"
    page.fill("#query", "query A { a: __typename } query B { b: __typename }")
    page.fill("#variables", "")
    page.select_option("#operation", "B")
    page.focus("#query")
    with page.expect_response(re.compile("/graphql$")):
        page.keyboard.press("Control+Enter")
    page.wait_for_selector(".json")
    assert '"b"' in page.inner_text(".json")


def test_a_syntax_error_leads_to_its_place(desktop: Visit) -> None:
    desktop.write("{\n  customers(\n}")
    assert "GRAPHQL_PARSE_FAILED" in desktop.run()
    desktop.page.click(".errors .link")
    assert desktop.page.evaluate("document.activeElement.id") == "query"
    desktop.problems = [problem for problem in desktop.problems if "status of 400" not in problem]


def test_schema_browser(desktop: Visit) -> None:
    page = desktop.page
    page.click("#tab-schema")
    page.fill(".search input", "creditLimit")
    page.click(".docs .names button:has-text('Customer.creditLimit')")
    assert page.inner_text(".docs h3").endswith("Customer")
    assert page.is_visible("#field-creditLimit")
    page.click("#field-creditLimit .reference button")
    assert page.inner_text(".docs h3").endswith("Money")
    page.click("text=← Back")
    assert page.inner_text(".docs h3").endswith("Customer")


def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Visit) -> None:
    page = phone.page
    for view in ("browse", "query", "result"):
        page.click(f".views [data-view={view}]")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.click(".views [data-view=query]")
    phone.run()
    assert page.is_visible("#output")
    page.click(".views [data-view=query]")
    page.click("#compare")
    phone.run()
    page.wait_for_selector(".comparison")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
