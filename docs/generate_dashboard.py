"""Write deploy/monitoring/dashboard.json, a Grafana dashboard over the metrics of `kubectl asm serve`.

Usage: python docs/generate_dashboard.py [--check]
Without arguments the file is written; with --check nothing is written and the exit code is 1 when it is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "deploy" / "monitoring" / "dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
PICKED = 'job=~"$job"'
OBJECTS = 'job=~"$job",namespace=~"$namespace"'
WIDTH = 24


@dataclass(frozen=True)
class Panel:
    """One panel. queries: (legend, expression); form: type of panel; unit: Grafana's name of one; width: of 24 columns."""

    title: str
    queries: tuple[tuple[str, str], ...]
    form: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    help: str = ""


def one(title: str, expression: str, **rest: Any) -> Panel:
    """Return a panel with one number."""
    return Panel(title, (("", expression),), form="stat", width=4, height=4, **rest)


def rate(name: str, by: str) -> str:
    """Return the rate of a counter by a label."""
    return f"sum by ({by}) (rate({name}{{{PICKED}}}[$__rate_interval]))"


def quantiles(name: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """Return the queries of a histogram: median and the slowest hundredth."""
    legend = f" {{{{{by}}}}}" if by else ""
    labels = f"le, {by}" if by else "le"
    buckets = f"sum by ({labels}) (rate({name}_bucket{{{PICKED}}}[$__rate_interval]))"
    return tuple((f"p{int(part * 100)}{legend}", f"histogram_quantile({part}, {buckets})") for part in (0.5, 0.99))


ROWS: dict[str, tuple[Panel, ...]] = {
    "ExternalSecrets": (
        one("Ready", f"sum(asm_externalsecret_ready{{{OBJECTS}}})", help="The Secret holds everything that was asked for."),
        one("Not ready", f"count(asm_externalsecret_ready{{{OBJECTS}}} == 0) or vector(0)"),
        one("Repeated with back-off", f"sum(asm_objects_failing{{{PICKED}}})"),
        one(
            "Longest since a success",
            f"max(time() - (asm_externalsecret_last_success_timestamp_seconds{{{OBJECTS}}} > 0))",
            unit="s",
        ),
        one("Stores left alone", f"sum(asm_circuits_open{{{PICKED}}})", help="Their credentials fail."),
        one("Shards held", f"sum(asm_shards_held{{{PICKED}}})", help="Over all replicas; 1 for a leader without shards."),
        Panel(
            "Which are not ready",
            (("", f"asm_externalsecret_ready{{{OBJECTS}}} == 0"),),
            form="table",
            width=12,
            help="kubectl asm status -n NAMESPACE says why.",
        ),
        Panel("Rounds by what they did", (("{{decision}}", rate("asm_rounds_total", "decision")),), unit="ops", width=12),
        Panel("Duration of rounds", quantiles("asm_round_duration_seconds"), unit="s"),
        Panel(
            "Stores and ClusterExternalSecrets",
            (("{{kind}} {{result}}", rate("asm_passes_total", "kind, result")),),
            unit="ops",
        ),
        Panel("Planned refreshes", (("planned", f"sum(asm_objects_planned{{{PICKED}}})"),)),
    ),
    "Queue and limits": (
        Panel("Due and waiting", (("{{priority}}", f"sum by (priority) (asm_queue_depth{{{PICKED}}})"),)),
        Panel("Time between due and begun", quantiles("asm_queue_wait_seconds", "priority"), unit="s"),
        Panel(
            "Workers held up by a limiter",
            (("{{limiter}}", rate("asm_limiter_wait_seconds_total", "limiter")),),
            help="Seconds of waiting a second: 1 is one worker that does nothing else.",
        ),
    ),
    "KMS and OOS": (
        Panel("Calls by answer", (("{{provider}} {{code}}", rate("asm_cloud_calls_total", "provider, code")),), unit="ops"),
        Panel("Duration of calls", quantiles("asm_cloud_call_duration_seconds", "provider"), unit="s"),
        Panel(
            "Values asked for, and throttled calls",
            (
                ("values {{provider}}", rate("asm_cloud_reads_total", "provider")),
                ("throttled {{provider}}", rate("asm_cloud_throttled_total", "provider")),
            ),
            unit="ops",
            help="Calls are fewer than values: equal reads are joined and batched.",
        ),
    ),
    "API server": (
        Panel("Requests by answer", (("{{method}} {{code}}", rate("asm_kube_requests_total", "method, code")),), unit="ops"),
        Panel("Watches in step", (("{{instance}}", f"asm_watch_synced{{{PICKED}}}"),), help="1: everything was listed once."),
        Panel(
            "Memory of shared values, Events dropped",
            (
                ("bytes {{instance}}", f"asm_shared_value_bytes{{{PICKED}}}"),
                ("events dropped a second", f"sum(rate(asm_events_dropped_total{{{PICKED}}}[$__rate_interval]))"),
            ),
        ),
    ),
}


def panels() -> Iterator[dict[str, Any]]:
    """Yield rows and panels with their places, from left to right and from top to bottom."""
    top, number = 0, 0
    for row, members in ROWS.items():
        number += 1
        yield {"id": number, "type": "row", "title": row, "gridPos": place(0, top, WIDTH, 1), "collapsed": False, "panels": []}
        top, left, tallest = top + 1, 0, 0
        for member in members:
            if left + member.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            yield drawn(number, member, place(left, top, member.width, member.height))
            left, tallest = left + member.width, max(tallest, member.height)
        top += tallest


def place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    """Return a place on the grid."""
    return {"x": left, "y": top, "w": width, "h": height}


def drawn(number: int, panel: Panel, where: dict[str, int]) -> dict[str, Any]:
    """Return one panel as Grafana keeps it."""
    is_now = panel.form in ("stat", "table")
    form = {"instant": is_now, "range": not is_now, **({"format": "table"} if panel.form == "table" else {})}
    targets = [
        {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expression, "legendFormat": legend, **form}
        for index, (legend, expression) in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "type": panel.form,
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "gridPos": where,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {},
        "targets": targets,
    }


def picker(name: str, metric: str) -> dict[str, Any]:
    """Return a variable with the values of a label."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard() -> dict[str, Any]:
    """Return the whole dashboard."""
    return {
        "uid": "kubectl-asm",
        "title": "kubectl-asm",
        "tags": ["kubectl-asm", "secrets"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "current": {}},
                picker("job", "asm_watch_synced"),
                picker("namespace", "asm_externalsecret_ready"),
            ]
        },
        "panels": list(panels()),
    }


def main() -> int:
    """Write or check the file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the file is stale instead of writing it")
    text = json.dumps(dashboard(), indent=1) + "\n"
    if not parser.parse_args().check:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    print("dashboard.json is stale: run docs/generate_dashboard.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
