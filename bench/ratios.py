"""The peers' times beside ours: one row for each of ours, the best peer named. Needs nothing but Python.

A ratio is the peer's median over ours: above 1 we are faster. It counts only beyond the spread of both: where the two ranges from smallest to
largest sample overlap, the verdict is `equal`.
"""

import math

SCHEMA = 1
PEERS_SCHEMA = 1
OURS_SCHEMA = 1


class Mismatch(Exception):
    """The two files do not belong together."""


def merge(ours, peers):
    """Our report and the peers' report as one of ratios."""
    for report, schema, whose in ((ours, OURS_SCHEMA, "our"), (peers, PEERS_SCHEMA, "the peers'")):
        if report.get("schema") != schema:
            raise Mismatch(f"{whose} file has schema {report.get('schema')}, not {schema}")
    if ours["device"] != peers["device"]:
        raise Mismatch(f"measured on two devices: ours on {ours['device']}, the peers on {peers['device']}")
    by_case = {}
    for row in peers["rows"]:
        by_case.setdefault((row["operation"], row["shape"]), []).append(row)
    rows, matched = [], set()
    for row in ours["rows"]:
        case = (row["operation"], row["shape"])
        # A peer without a variant stands beside every variant.
        beside = [peer for peer in by_case.get(case, []) if peer["variant"] in (None, row["variant"])]
        matched.update(id(peer) for peer in beside)
        rows.append(row_of(row, beside))
    return {
        "schema": SCHEMA,
        "device": ours["device"],
        "driver": ours["driver"],
        "versions": peers.get("versions", {}),
        "missing": peers.get("missing", {}),
        # Cases of peers that none of our rows has: shapes that have changed, or operations that were not run.
        "unmatched": sorted(
            {f"{p['operation']}, {p['variant'] or 'any variant'}, {p['shape']}" for p in peers["rows"] if id(p) not in matched}
        ),
        "rows": rows,
    }


def row_of(row, beside):
    """One of our rows with its peers, the fastest first, those that failed last."""
    ours = row["kernel_us"]
    found = [peer_of(ours, peer) for peer in beside]
    found.sort(key=lambda peer: peer["ratio"] if peer["ratio"] is not None else math.inf)
    # A peer that does less than we do is no measure, and neither are we where our own result is wrong.
    comparable = [peer for peer in found if peer["ratio"] is not None and peer["same_result"]] if row["is_right"] else []
    return {
        "operation": row["operation"],
        "variant": row["variant"],
        "shape": row["shape"],
        "kernel_us": ours,
        "is_right": row["is_right"],
        "best": comparable[0]["peer"] if comparable else None,
        "ratio": comparable[0]["ratio"] if comparable else None,
        "verdict": comparable[0]["verdict"] if comparable else None,
        "peers": found,
    }


def peer_of(ours, peer):
    theirs = peer["kernel_us"]
    ratio = theirs["median"] / ours["median"] if theirs else None
    kept = {key: peer[key] for key in ("peer", "note", "same_result", "kernel_us", "failure")}
    return {**kept, "ratio": ratio, "verdict": verdict(ours, theirs) if theirs else None}


def verdict(ours, theirs):
    """What can be said beyond the spread of both."""
    if ours["largest"] < theirs["smallest"]:
        return "faster"
    if ours["smallest"] > theirs["largest"]:
        return "slower"
    return "equal"


def summary(ratios):
    """For each operation and variant: rows, how many were faster, equal, slower, without a peer, and the geometric mean of the ratios."""
    lines = {}
    for row in ratios["rows"]:
        line = lines.setdefault((row["operation"], row["variant"]), {"rows": 0, "faster": 0, "equal": 0, "slower": 0, "none": 0, "logs": []})
        line["rows"] += 1
        line[row["verdict"] or "none"] += 1
        if row["ratio"] is not None:
            line["logs"].append(math.log(row["ratio"]))
    for line in lines.values():
        logs = line.pop("logs")
        line["mean"] = math.exp(sum(logs) / len(logs)) if logs else None
    return lines


def markdown(ratios):
    """The report as a page."""
    versions = ", ".join(f"{name} {version}" for name, version in ratios["versions"].items())
    page = [
        f"# Beside the peers: {ratios['device']}, CUDA {ratios['driver']}",
        "",
        "Ratio: the best peer's median over ours; above 1 we are faster. It counts only where the ranges from smallest to largest sample do not "
        "overlap; else the verdict is `equal`. In brackets: smallest to largest.",
        "",
        f"Versions: {versions or 'not given'}.",
        "",
        "| operation | variant | rows | faster | equal | slower | no peer | geometric mean |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (operation, variant), line in summary(ratios).items():
        mean = f"{line['mean']:.2f}" if line["mean"] is not None else "–"
        counts = " | ".join(str(line[key]) for key in ("rows", "faster", "equal", "slower", "none"))
        page.append(f"| {operation} | {variant} | {counts} | {mean} |")
    page += ["", "| operation | variant | shape | ours µs | best peer | its µs | ratio | verdict | others: µs (ratio) |"]
    page.append("|---|---|---|---|---|---|---|---|---|")
    page += [line_of(row) for row in ratios["rows"]]
    page += did_not_run(ratios)
    return "\n".join(page) + "\n"


def line_of(row):
    best = next((peer for peer in row["peers"] if peer["peer"] == row["best"]), None)
    others = "; ".join(other(peer) for peer in row["peers"] if peer is not best) or "–"
    if best is None:
        middle = "none | – | – | –" if row["is_right"] else "none | – | – | our result is wrong"
    else:
        note = f" ({best['note']})" if best["note"] else ""
        middle = f"{best['peer']}{note} | {spread(best['kernel_us'])} | {row['ratio']:.2f} | {row['verdict']}"
    return f"| {row['operation']} | {row['variant']} | {row['shape']} | {spread(row['kernel_us'])} | {middle} | {others} |"


def spread(us):
    return f"{us['median']:.2f} [{us['smallest']:.2f}–{us['largest']:.2f}]"


def other(peer):
    if peer["ratio"] is None:
        return f"{peer['peer']}: did not run"
    note = f", {peer['note']}" if peer["note"] else ""
    does_less = "" if peer["same_result"] else ", does less"
    return f"{peer['peer']}{note}{does_less}: {peer['kernel_us']['median']:.2f} ({peer['ratio']:.2f})"


def did_not_run(ratios):
    """Every peer that gave no time, with its reason and the number of rows, and cases of the peers that we have not."""
    reasons = {}
    for row in ratios["rows"]:
        for peer in row["peers"]:
            if peer["failure"]:
                rows = reasons.setdefault((peer["peer"], peer["failure"]), [])
                rows.append(f"{row['operation']} {row['shape']}")
    if not reasons and not ratios["unmatched"]:
        return []
    page = ["", "## Did not run", "", "| peer | reason | rows | first |", "|---|---|---|---|"]
    for (peer, reason), rows in sorted(reasons.items()):
        page.append(f"| {peer} | {reason.replace('|', '/')} | {len(rows)} | {rows[0]} |")
    if ratios["unmatched"]:
        page += ["", f"Peers' cases without a row of ours: {len(ratios['unmatched'])}, the first {ratios['unmatched'][0]}."]
    return page
