"""From samples to a table, ratios and targets; and the same as JSON."""

import json
import os
import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from benchmarks.peers.running import Sample

HAND, BARE, OURS, PLAIN = "hand-written", "bare asyncpg", "crm-graph", "plain strawberry"
NESTED = frozenset(("customer_360", "segment_list", "connection"))


@dataclass(frozen=True, slots=True)
class Ratio:
    """crm-graph against a peer; `target` is a floor or, for costs, a ceiling."""

    name: str
    value: float
    target: float
    ceiling: bool

    @property
    def met(self) -> bool:
        return self.value <= self.target if self.ceiling else self.value >= self.target


Samples = Mapping[tuple[str, str], Sequence[Sample]]
Medians = Mapping[str, Mapping[str, Sample]]


def medians(samples: Samples) -> Medians:
    """By shape and peer, the median of each figure over the rounds."""
    found: dict[str, dict[str, Sample]] = {}
    for (shape, peer), some in samples.items():
        values = {}
        for field in fields(Sample):
            numbers = [n for n in (getattr(sample, field.name) for sample in some) if n is not None]
            values[field.name] = statistics.median(numbers) if numbers else None
        found.setdefault(shape, {})[peer] = Sample(**values)  # type: ignore[arg-type]
    return found


def ratios(shape: str, peers: Mapping[str, Sample]) -> list[Ratio]:
    """What issue 2 promises, as far as the peers were measured."""
    found: list[Ratio] = []
    ours = peers.get(OURS)
    if ours is None or ours.server is None:
        return found
    # A backend that waits for its next request pays for falling asleep and waking up: pgbench's never wait, those
    # behind a Python server do. So the hand-written statement is compared under both loads.
    if HAND in peers:
        value = ours.database / peers[HAND].database
        found.append(Ratio("database CPU / hand-written by pgbench", value, 1.15, ceiling=True))
    if BARE in peers and (bare := peers[BARE].server):
        value = ours.database / peers[BARE].database
        found.append(Ratio("database CPU / hand-written by bare asyncpg", value, 1.15, ceiling=True))
        found.append(Ratio("server CPU / bare asyncpg", ours.server / bare, 1.5, ceiling=True))
    if PLAIN in peers and shape in NESTED:
        found.append(Ratio("requests/s / plain strawberry", ours.rate / peers[PLAIN].rate, 10, ceiling=False))
    return found


def text(found: Medians) -> str:
    """The tables, one a shape."""
    lines: list[str] = []
    head = ("peer", "requests/s", "p50 ms", "p99 ms", "server µs", "database µs")
    for shape, peers in found.items():
        rows = [head, *((peer, *_cells(sample)) for peer, sample in peers.items())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines.append(f"\n{shape}")
        lines += [
            "  ".join(c.ljust(w) if n == 0 else c.rjust(w) for n, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        for ratio in ratios(shape, peers):
            wanted = f"{'≤' if ratio.ceiling else '≥'} {ratio.target:g}"
            lines.append(f"  {ratio.name}: {ratio.value:.3f} (target {wanted}: {'met' if ratio.met else 'MISSED'})")
    return "\n".join(lines)


def _cells(sample: Sample) -> Iterable[str]:
    yield f"{sample.rate:,.0f}"
    yield f"{sample.p50 * 1e3:.2f}"
    yield f"{sample.p99 * 1e3:.2f}"
    yield "–" if sample.server is None else f"{sample.server * 1e6:,.0f}"
    yield f"{sample.database * 1e6:,.0f}"


def write(path: Path, samples: Samples, settings: Mapping[str, object]) -> None:
    """All samples, their medians and the ratios, as JSON."""
    found = medians(samples)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine,
        "settings": dict(settings),
        "shapes": {
            shape: {
                "medians": {peer: _plain(sample) for peer, sample in peers.items()},
                "rounds": {peer: [_plain(one) for one in samples[shape, peer]] for peer in peers},
                "ratios": [
                    {"name": r.name, "value": r.value, "target": r.target, "met": r.met} for r in ratios(shape, peers)
                ],
            }
            for shape, peers in found.items()
        },
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def _plain(sample: Sample) -> dict[str, float | None]:
    return {field.name: getattr(sample, field.name) for field in fields(Sample)}
