"""deploy/monitoring: alerts and dashboard name metrics and labels that exist, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_asm.adapters.metrics import FAMILIES

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
PANELS = [panel for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"] if panel["type"] != "row"]
EXPRESSIONS = {
    **{rule["alert"]: rule["expr"] for rule in ALERTS},
    **{f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]},
}
OF_SCRAPES = {"job", "instance"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
SERIES = {name + suffix: family for name, family in FAMILIES.items() for suffix in SUFFIXES[family.kind]}
METRIC = re.compile(r"\basm_\w+")


def labels_of(expression: str) -> set[str]:
    """Return every label an expression selects or groups by."""
    selected = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    return {*selected, *(label.strip() for group in grouped for label in group.split(","))}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_metric_exists_with_every_label(name: str) -> None:
    expression = EXPRESSIONS[name]
    used = METRIC.findall(expression)
    assert used
    assert [metric for metric in used if metric not in SERIES] == []
    known = {label for metric in used for label in SERIES[metric].labels} | OF_SCRAPES
    if any(metric.endswith("_bucket") for metric in used):
        known.add("le")
    assert labels_of(expression) <= known


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_counters_are_asked_for_their_rate_and_gauges_are_not(name: str) -> None:
    expression = EXPRESSIONS[name]
    for metric in METRIC.findall(expression):
        is_rate = re.search(rf"(rate|increase)\({metric}\b", expression) is not None
        assert is_rate is (SERIES[metric].kind != "gauge")


def test_the_dashboard_shows_every_metric() -> None:
    shown = {metric for panel in PANELS for target in panel["targets"] for metric in METRIC.findall(target["expr"])}
    assert {name for name in FAMILIES if not any(metric.startswith(name) for metric in shown)} == set()


def test_labels_in_the_words_of_an_alert_are_those_of_its_result() -> None:
    for rule in ALERTS:
        words = " ".join(rule["annotations"].values())
        used = set(re.findall(r"\$labels\.(\w+)", words))
        grouped = re.search(r"\bby \(([^)]*)\)", rule["expr"])
        (metric, *_) = METRIC.findall(rule["expr"])
        given = {label.strip() for label in grouped[1].split(",")} if grouped else {*SERIES[metric].labels, *OF_SCRAPES}
        assert used <= given, rule["alert"]


def test_every_alert_says_how_bad_it_is_and_what_it_means() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        where: dict[str, Any] = panel["gridPos"]
        cells = {(x, y) for x in range(where["x"], where["x"] + where["w"]) for y in range(where["y"], where["y"] + where["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
