"""The result as text."""


def show(result, before=None):
    """One line a row of ours, the peers' rates beside it as ratios; `before` is an earlier result."""
    facts = result["machine"]
    peers = list(dict.fromkeys(row["server"] for row in result["rows"] if row["server"] != "nephos"))
    ours = [row for row in result["rows"] if row["server"] == "nephos"]
    theirs = {(row["server"], row["row"], row["clients"]): row for row in result["rows"]}
    earlier = {(row["row"], row["clients"]): row for row in (before or {}).get("rows", []) if row["server"] == "nephos"}
    lines = [["row", "clients", "ops/s", "p50 ms", "p99 ms", "CPU us/op", "MB", "aim", *(["before"] if before else []), *peers]]
    for row in ours:
        cells = [row["row"], row["clients"] or "", *figures(row), aim(row)]
        if before:
            cells.append(ratio(row, earlier.get((row["row"], row["clients"]))))
        for peer in peers:
            cells.append(beside(row, theirs.get((peer, row["row"], row["clients"]))))
        lines.append(cells)
    head = (
        f"{facts['cores']} cores ({facts['cpu']}), Linux {facts['kernel']}, load {facts['load_before']:.1f} before and "
        f"{facts['load_after']:.1f} after; {facts['binary']} at {facts['commit']}, {facts['date']}."
    )
    legend = [
        "Ours verifies every signature, evaluates a policy on every request, syncs every write to the disk and isolates every function; no peer does any of that but nginx, which does none of it either.",
        "Absolute figures are this machine's under its load of the moment: ratios count. p99 of starts is the slowest. CPU is the server's and its functions'.",
    ]
    if peers:
        legend.append("A peer's column: its rate (or time, or memory), and how many times better ours is by rate or time, then by CPU.")
    return "\n".join([head, "", *layout(lines), "", *legend, *result["notes"]])


def figures(row):
    return [
        number(row.get("ops_per_second"), 0), number(row.get("p50_ms"), 2), number(row.get("p99_ms"), 2),
        number(row.get("cpu_us"), 0), number(row.get("rss_mb"), 1),
    ]


def number(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"


def aim(row):
    """The aim, and whether it is met."""
    if row.get("aim") is None:
        return ""
    value = row.get("rss_mb", row.get("p50_ms"))
    return f"<= {row['aim']:g} {'met' if value <= row['aim'] else 'MISSED'}"


def better(ours, theirs):
    """How many times better ours is, by what the row is about."""
    if ours.get("ops_per_second") and theirs.get("ops_per_second"):
        return ours["ops_per_second"] / theirs["ops_per_second"]
    name = "rss_mb" if "rss_mb" in ours else "p50_ms"
    return theirs[name] / ours[name] if theirs.get(name) and ours.get(name) else None


def ratio(ours, theirs):
    found = better(ours, theirs) if theirs else None
    return "" if found is None else f"{found:.2f}x"


def beside(ours, theirs):
    if not theirs:
        return ""
    value = theirs.get("ops_per_second")
    text = f"{value:,.0f}/s" if value else f"{theirs['rss_mb']:.0f} MB" if "rss_mb" in theirs else f"{theirs['p50_ms']:,.1f} ms"
    cpu = f", {theirs['cpu_us'] / ours['cpu_us']:.1f}x" if theirs.get("cpu_us") and ours.get("cpu_us") else ""
    return f"{text} ({ratio(ours, theirs)}{cpu})"


def layout(lines):
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    cells = [[str(cell) for cell in line] for line in lines]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    def line(row):
        return "| " + " | ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))) + " |"
    rule = "|" + "|".join("-" * (width + 2) if not column else "-" * (width + 1) + ":" for column, width in enumerate(widths)) + "|"
    return [line(cells[0]), rule, *map(line, cells[1:])]
