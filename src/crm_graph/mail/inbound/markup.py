"""HTML of mails to text: sanitised by nh3 first, so that what is read is well-formed and without scripts."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Final

import nh3

LONGEST: Final = 500_000
_BREAKS: Final = frozenset({"p", "div", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr"})
_TAGS: Final = {*_BREAKS, "br", "li", "td", "th", "a", "blockquote", "span", "b", "i", "strong", "em", "img"}
_CLASSES: Final = {"class", "id"}
_QUOTE: Final = re.compile(
    r"\b(?:gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix|OutlookMessageHeader|divRplyFwdMsg|appendonsend)\b"
)
_PASSED_ON: Final = re.compile(
    r"-{5,}\s*(?:forwarded message|weitergeleitete nachricht|message transféré)", re.IGNORECASE
)
_REST: Final = frozenset({"divRplyFwdMsg", "appendonsend", "OutlookMessageHeader", "moz-cite-prefix"})
"""Marks after which all that follows is quoted, outside the marked element, too."""
_MOST_TAGS: Final = 20_000
_DEEPEST: Final = 250
_OPENS_OR_CLOSES: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,30})")
_UNCLOSED: Final = frozenset(
    {"br", "hr", "img", "p", "li", "td", "th", "tr", "meta", "link", "input", "col", "area", "o:p"}
)
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_VOID: Final = frozenset({"br", "hr", "img"})


def text_of(html: str) -> str:
    """The text, in lines; quotes of other mails are left out where the program that wrote it marks them."""
    html = html[:LONGEST]
    if not _is_bearable(html):
        return _tidy(unescape(_ANY_TAG.sub(" ", html)))
    safe = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title", "template", "noscript", "object", "svg", "math"},
        attributes={"div": _CLASSES, "span": _CLASSES, "blockquote": {"type", "class"}, "a": {"href"}, "img": {"alt"}},
        link_rel=None,
    )
    reader = _Reader(quotes=_PASSED_ON.search(safe) is None)
    reader.feed(safe)
    reader.close()
    return reader.text()


def _is_bearable(html: str) -> bool:
    """Whether its tags nest no deeper than people's do: how long the sanitiser takes grows with the square of it."""
    if html.count("<") > _MOST_TAGS:
        return False
    depth = 0
    for tag in _OPENS_OR_CLOSES.finditer(html):
        if tag[1].lower() not in _UNCLOSED:
            depth = max(0, depth - 1) if tag[0][1] == "/" else depth + 1
            if depth > _DEEPEST:
                return False
    return True


def _tidy(text: str) -> str:
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.replace("\u00a0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    """Reads what nh3 has made well-formed."""

    def __init__(self, *, quotes: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._drops = quotes
        self._skipped = 0
        self._over = False
        self._links: list[tuple[str, int]] = []
        self._kept = False

    def text(self) -> str:
        return _tidy("".join(self._pieces))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._over:
            return
        if self._skipped:
            self._skipped += tag not in _VOID
            return
        given = {name: value or "" for name, value in attrs}
        if self._drops and self._kept and self._is_quote(tag, given):
            return
        self._shown(tag, given)

    def _is_quote(self, tag: str, given: dict[str, str]) -> bool:
        """Whether a quote begins; then it, or all that follows, is left out."""
        found = _QUOTE.search(f"{given.get('class', '')} {given.get('id', '')}")
        if found is not None and found[0] in _REST:
            self._over = True
        elif found is not None or (tag == "blockquote" and given.get("type") == "cite"):
            self._skipped = 1
        return found is not None or self._skipped > 0

    def _shown(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self._pieces.append("\n")
        elif tag == "li":
            self._pieces.append("\n- ")
        elif tag in ("td", "th"):
            self._pieces.append(" ")
        elif tag == "a":
            self._links.append((given.get("href", ""), len(self._pieces)))
        elif tag == "img" and given.get("alt", "").strip():
            self._pieces.append(f"[{given['alt'].strip()[:100]}]")
        elif tag in _BREAKS or tag == "blockquote":
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._over:
            return
        if self._skipped:
            self._skipped -= 1
            return
        if tag == "a" and self._links:
            href, start = self._links.pop()
            said = "".join(self._pieces[start:])
            if href.startswith(("http://", "https://")) and said.strip() and href not in said:
                self._pieces.append(f" <{href}>")
        elif tag in _BREAKS or tag == "blockquote":
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._over and not self._skipped:
            self._pieces.append(re.sub(r"\s+", " ", data))
            self._kept = self._kept or bool(data.strip())
