"""The system benchmarks: one table. `cargo xtask bench` builds what is measured and runs this.

    run.py [--peers] [--quick] [--only WORD ...] [--json FILE] [--against FILE]
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

import rows
import servers
from table import show


def main():
    options = arguments()
    settings = rows.Settings(options.quick)
    table = rows.Table(lambda text: print(text, file=sys.stderr, flush=True), options.only)
    facts = machine()
    ours(table, settings)
    if options.peers:
        others(table, settings)
    facts["load_after"] = os.getloadavg()[0]
    result = {"machine": facts, "notes": table.notes, "rows": table.rows}
    if options.json:
        text = json.dumps(result, indent=1)
        print(text) if options.json == "-" else pathlib.Path(options.json).write_text(text + "\n")
    if options.json != "-":
        before = json.loads(pathlib.Path(options.against).read_text()) if options.against else None
        print(show(result, before))


def arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask bench", description="System benchmarks: one table.")
    parser.add_argument("--peers", action="store_true", help="measure moto, ministack, dynalite and nginx beside ours, installed under target/")
    parser.add_argument("--quick", action="store_true", help="one short round of each, to see that everything runs; no figures to keep")
    parser.add_argument("--only", action="append", metavar="WORD", help="only groups with this word: start, memory, sts, dynamodb, s3, website, lambda")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - for the standard output, instead of the table")
    parser.add_argument("--against", metavar="FILE", help="an earlier --json file: shows each row's ratio to it")
    return parser.parse_args()


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=servers.ROOT).stdout.strip()
    return {
        "cores": os.cpu_count(), "cpu": model, "kernel": platform.release(), "load_before": os.getloadavg()[0],
        "commit": commit, "date": time.strftime("%Y-%m-%d"), "binary": str(servers.BINARY.relative_to(servers.ROOT) if servers.BINARY.is_relative_to(servers.ROOT) else servers.BINARY),
    }


# The groups that need a running server, and what a peer must be able to do to take part.
GROUPS = {
    "sts": rows.sts_rows, "dynamodb": rows.dynamodb_rows, "s3": rows.s3_rows, "website": rows.website_rows, "lambda": rows.lambda_rows,
}


def ours(table, settings):
    if table.wants("start"):
        rows.start_rows(table, settings)
    if table.wants("memory"):
        rows.memory_rows(table)
    groups = [run for name, run in GROUPS.items() if table.wants(name)]
    if not groups:
        return
    with servers.running(servers.Nephos()) as server:
        for run in groups:
            run(server, table, settings)
        rss, pss = server.memory()
        table.add(server.name, "memory after this run", 0, rss_mb=rss / 1024, with_children_mb=pss / 1024, threads=server.threads())
        rows.restart_row(server, table, settings)


def others(table, settings):
    made, missing = servers.peers()
    for name, why in missing.items():
        table.note(f"{name} is not measured: {why}")
    for peer in made:
        if table.wants("start") or table.wants("memory"):
            rows.peer_start_row(peer, table, settings)
        with servers.running(peer()) as server:
            for name in [name for name in GROUPS if name in peer.can and table.wants(name)]:
                try:
                    GROUPS[name](server, table, settings)
                except Exception as error:
                    table.note(f"{peer.name}, {name}: {str(error)[:300]}")


if __name__ == "__main__":
    main()
