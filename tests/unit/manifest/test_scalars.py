"""What a plain scalar means in both dialects (spec/data.md 7.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kubectl_asm.manifest.scalars import Dialect, parse_timestamp, resolve_plain

BOTH = [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nUll", "nUll"),
    ("true", True), ("True", True), ("TRUE", True), ("tRue", "tRue"), ("false", False),
    ("10", 10), ("-7", -7), ("+3", 3), ("1_000", 1000), ("0x1F", 31), ("0o17", 15), ("017", 15), ("0b11", 3), ("0", 0), ("-0", 0),
    ("08", 8.0), ("1e3", 1000.0), (".5", 0.5), ("3.50", 3.5), ("5.", 5.0), ("1_0.5", 10.5), ("._5", "._5"), (".5_", ".5_"),
    ("1e400", "1e400"), ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2.0**64),
    ("-9223372036854775808", -(2**63)), ("-9223372036854775809", -(2.0**63)), ("9" * 5000, "9" * 5000),
    ("1:30", "1:30"), ("0x", "0x"), ("1e", "1e"), ("--1", "--1"), ("1 2", "1 2"), ("٣", "٣"), ("-", "-"),
    ("2024-13-01", "2024-13-01"),
]  # fmt: skip


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(("text", "value"), BOTH)
def test_scalars_that_both_dialects_read_alike(text, value, dialect):
    got = resolve_plain(text, dialect)
    assert (type(got), got) == (type(value), value)


@pytest.mark.parametrize("dialect", Dialect)
def test_special_floats(dialect):
    assert resolve_plain(".inf", dialect) == resolve_plain("+.INF", dialect) == float("inf")
    assert resolve_plain("-.Inf", dialect) == float("-inf")
    nan = resolve_plain(".NaN", dialect)
    assert nan != nan
    assert resolve_plain("inf", dialect) == "inf"


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
def test_old_words_for_true_are_booleans_for_kubectl_only(text):
    assert resolve_plain(text, Dialect.KUBECTL) is True
    assert resolve_plain(text, Dialect.YAML_V3) == text


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "off", "Off", "OFF"])
def test_old_words_for_false_are_booleans_for_kubectl_only(text):
    assert resolve_plain(text, Dialect.KUBECTL) is False
    assert resolve_plain(text, Dialect.YAML_V3) == text


def test_dates_are_instants_in_backend_documents_and_text_in_manifests():
    assert resolve_plain("2024-01-01", Dialect.YAML_V3) == datetime(2024, 1, 1, tzinfo=UTC)
    assert resolve_plain("2024-01-01", Dialect.KUBECTL) == "2024-01-01"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-1-2", datetime(2024, 1, 2, tzinfo=UTC)),
        ("2024-01-01T10:00:00Z", datetime(2024, 1, 1, 10, tzinfo=UTC)),
        ("2024-01-01t1:2:3.25-05:30", datetime(2024, 1, 1, 1, 2, 3, 250000, timezone(-timedelta(hours=5, minutes=30)))),
        ("2024-01-01 10:00:00", datetime(2024, 1, 1, 10, tzinfo=UTC)),
        ("2024-01-01 10:00:00Z", None),
        ("2024-01-01T10:00", None),
        ("2024-02-30", None),
        ("24-01-01", None),
        ("2024-01-01T25:00:00Z", None),
    ],
)
def test_timestamps(text, moment):
    assert parse_timestamp(text) == moment
