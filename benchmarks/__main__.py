"""`make bench`: four shapes, four peers, in turns; the figures are also written to `.bench/report.json`.

python -m benchmarks [--quick] [--rounds N] [--seconds S] [--shape NAME]… [--peer NAME]… [--check]
python -m benchmarks --access [--case PART]…: what row-by-row access costs the database (access.py)
"""

import argparse
import asyncio
import contextlib
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks import access, agreement, data, report
from benchmarks.peers import ours, running
from benchmarks.peers.running import Sample, Server
from benchmarks.shapes import Shape, shapes

PEERS = (report.HAND, report.BARE, report.OURS, report.PLAIN)
IDS = 100
"""How many customers are asked for by id."""
SHAPES = tuple(shape.name for shape in shapes([]))


def main() -> int:
    arguments = _arguments()
    directory: Path = arguments.directory
    directory.mkdir(parents=True, exist_ok=True)
    if arguments.access:
        customers = arguments.customers
        return access.run(directory, customers, 40 * arguments.rounds, arguments.case or (), check=arguments.check)
    found = data.ensure(directory, arguments.customers)
    try:
        asked = [s for s in shapes(asyncio.run(data.keys(found.url, IDS))) if s.name in arguments.shape]
        samples = _measure(found, asked, arguments)
    except (running.PeerFailed, agreement.PeersDisagree) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        found.server.stop()
    settings = {name: str(value) for name, value in vars(arguments).items()}
    path = directory / "report.json"
    report.write(path, samples, settings)
    medians = report.medians(samples)
    print(report.text(medians))
    rounds = f"{arguments.rounds} rounds of {arguments.seconds:g} s"
    print(f"\n{found.customers:,} customers, {rounds}, medians; all rounds in {path}")
    missed = [r for shape, peers in medians.items() for r in report.ratios(shape, peers) if not r.met]
    return 1 if arguments.check and missed else 0


def _measure(
    found: data.Data, asked: list[Shape], arguments: argparse.Namespace
) -> dict[tuple[str, str], list[Sample]]:
    """All servers run all the time; one at a time is under load."""
    samples: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(_server(name, found, arguments.directory))
            for name in arguments.peer
            if name != report.HAND
        }
        for shape in asked:
            count = agreement.check(shape, found, list(servers.values()))
            print(f"{shape.name}: {count} requests, the same data from all {len(servers) + 1} peers", flush=True)
        for number in range(arguments.rounds):
            for shape in asked:
                # Whoever comes first finds the caches as the last one left them: take turns.
                turn = number % len(arguments.peer)
                for peer in arguments.peer[turn:] + arguments.peer[:turn]:
                    if peer == report.HAND:
                        sample = running.pgbench(shape, found, arguments.seconds)
                    else:
                        sample = running.load(servers[peer], shape, found, arguments.seconds)
                    samples[shape.name, peer].append(sample)
                    place = f"round {number + 1}/{arguments.rounds}  {shape.name:13}  {peer:17}"
                    print(f"{place} {sample.rate:9,.0f} requests/s", flush=True)
    return {(shape.name, peer): samples[shape.name, peer] for shape in asked for peer in arguments.peer}


def _server(name: str, found: data.Data, directory: Path) -> contextlib.AbstractContextManager[Server]:
    port = running.free_port()
    log = directory / f"{name.replace(' ', '-')}.log"
    if name == report.OURS:
        return running.server(
            name, ours.command(found.url, port, directory / "crm-graph"), port, log, ours.token(found.url)
        )
    module = {report.BARE: "benchmarks.peers.bare", report.PLAIN: "benchmarks.peers.plain"}[name]
    return running.server(name, [sys.executable, "-m", module, str(port), found.url], port, log)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure crm-graph beside its peers.")
    parser.add_argument(
        "--quick", action="store_true", help="20,000 customers, one round of 2 s: whether it runs, no more"
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--customers", type=int)
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--peer", action="append", choices=PEERS)
    parser.add_argument("--access", action="store_true", help="callers with row rules beside one who sees everything")
    parser.add_argument("--case", action="append", help="with --access: only cases whose name or caller has this in it")
    parser.add_argument("--directory", type=Path, default=Path(".bench"))
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (2.0 if arguments.quick else 4.0)
    arguments.customers = arguments.customers or (20_000 if arguments.quick else data.CUSTOMERS)
    arguments.shape = arguments.shape or list(SHAPES)
    arguments.peer = arguments.peer or list(PEERS)
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
