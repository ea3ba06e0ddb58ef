"""What people call a browser: "Firefox on Windows" instead of its user agent."""

from collections.abc import Sequence

# In this order: each says that it is one of those below it too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def name(user_agent: str) -> str:
    """The browser's name for its user; what we do not know is shown as it calls itself."""
    return known(user_agent) or user_agent[:60] or "An unknown browser"


def known(user_agent: str) -> str | None:
    """The browser's name in words of ours alone; `None`: it is none that we know."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    return f"{browser} on {system}" if browser and system else browser


def _first(known: Sequence[tuple[str, str]], user_agent: str) -> str | None:
    return next((called for mark, called in known if mark in user_agent), None)
