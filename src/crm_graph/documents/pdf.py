"""From a template and plain data to a PDF, by Typst: a wheel of its own, without libraries or fonts of the system.

Its fonts are Typst's own: Latin, Greek, Cyrillic, Hebrew, Arabic and more. For others (Chinese, Japanese, Korean, Thai)
give a folder of fonts (`CRM_GRAPH_FONTS`).
"""

import asyncio
import datetime as dt
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import orjson
import typst

_SLOTS: Final = asyncio.Semaphore(2)
"""A paper takes a core for a tenth of a second; more at once would only make the API wait."""


async def pdf(template: str, data: Mapping[str, object], made_at: dt.datetime, fonts: Path | None = None) -> bytes:
    """The PDF of a template (`proposal`), which reads `data` as text only: nothing in it is taken for markup.

    The same data and moment give the same bytes.
    """
    async with _SLOTS:
        return await asyncio.to_thread(_compiled, template, orjson.dumps(data).decode(), made_at, fonts)


def _compiled(template: str, data: str, made_at: dt.datetime, fonts: Path | None) -> bytes:
    source = files("crm_graph.documents").joinpath(f"{template}.typ").read_bytes()
    return typst.compile(
        source,
        format="pdf",
        font_paths=_fonts(fonts),
        sys_inputs={"data": data},
        timestamp=int(made_at.timestamp()),
    )


@cache
def _fonts(folder: Path | None) -> typst.Fonts:
    """Ours and those of a folder; read once."""
    return typst.Fonts(include_system_fonts=False, font_paths=[] if folder is None else [folder])
