"""What a file may be called, and of which sort it is: by its name, held against how its content begins."""

import unicodedata
from typing import Final

from crm_graph.errors import FileRefused

LONGEST: Final = 200
UNKNOWN: Final = "application/octet-stream"
_TURNING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing: with them `fdp.exe` is read as a PDF."""
_ZIP: Final = b"PK\x03\x04"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"
_SORTS: Final = {
    "pdf": ("application/pdf", b"%PDF-"),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "gif": ("image/gif", b"GIF8"),
    "webp": ("image/webp", b"RIFF"),
    "zip": ("application/zip", _ZIP),
    "docx": (f"{_OFFICE}.wordprocessingml.document", _ZIP),
    "xlsx": (f"{_OFFICE}.spreadsheetml.sheet", _ZIP),
    "pptx": (f"{_OFFICE}.presentationml.presentation", _ZIP),
    "odt": (f"{_OPEN}.text", _ZIP),
    "ods": (f"{_OPEN}.spreadsheet", _ZIP),
    "odp": (f"{_OPEN}.presentation", _ZIP),
    "txt": ("text/plain", b""),
    "csv": ("text/csv", b""),
}
"""By the end of the name: the media type, and how the content of such a file begins. Pages and scripts are none."""


def file_name(given: str) -> str | None:
    """The name without folders and without characters that no file's name has; `None` where nothing is left of it."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    kept = (c for c in last if c not in _TURNING and unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp"))
    name = " ".join("".join("_" if c in '<>:"|?*' else c for c in kept).split()).strip(". ")
    return name if 1 <= len(name) <= LONGEST else None


def media_type(name: str, content: bytes) -> str:
    """The sort of file. Raises FileRefused where the content is not what the name says."""
    if not content:
        raise FileRefused("The file is empty.")
    sort, begins = _SORTS.get(name.rpartition(".")[2].lower(), (UNKNOWN, b""))
    if not content.startswith(begins) or (sort.startswith("text/") and b"\x00" in content):
        raise FileRefused(f"The file is called {name!r} and has other content.")
    return sort
