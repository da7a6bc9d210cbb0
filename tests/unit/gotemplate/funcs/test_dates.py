"""Time functions: Go layouts in both directions, zones, durations, and the instant of the environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.gotemplate.funcs.civil import civil_from_seconds, days_from_civil
from kubectl_asm.gotemplate.funcs.durations import format_duration, parse_duration
from kubectl_asm.gotemplate.funcs.instants import FixedZone, GoTime
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.values import Int64


@pytest.mark.parametrize(
    ("layout", "seconds", "zone", "text"),
    [
        ("2006-01-02T15:04:05Z07:00", 86399, "UTC", "1970-01-01T23:59:59Z"),
        ("Mon Jan _2 15:04:05 2006", 170006000, "Europe/Berlin", "Thu May 22 16:53:20 1975"),
        ("Monday, 02-Jan-06 03:04:05 PM pm", 160070000, "America/New_York", "Monday, 27-Jan-75 10:53:20 AM am"),
        ("002 __2 Z0700 -07 -07:00:00", 15000003, "Asia/Kolkata", "174 174 +0530 +05 +05:30:00"),
        ("2006 MST", 0, "Nope/Nope", "1970 UTC"),
        ("2006", 253402300800, "UTC", "10000"),
        ("2006-01-02", -62135596801, "UTC", "0000-12-31"),
        ("2006 MST -0700", 253402300800, "Asia/Shanghai", "10000 CST +0800"),
        ("Janet .000 .999 _2006", 1, "", "Janet .000  _1970"),
        ("", 0, "UTC", ""),
    ],
)
def test_seconds_are_written_by_a_layout_in_a_zone(call, layout, seconds, zone, text):
    assert call("dateInZone", layout, seconds, zone) == text
    assert call("dateInZone", layout, Int64(seconds), zone) == text


def test_anything_but_a_time_or_an_integer_is_the_present_instant(call):
    for value in (None, "2020", 1.5, True):
        assert call("date", "2006-01-02 15:04:05.000", value) == "2026-03-04 05:06:07.891"
    assert call("htmlDate", 0) == "1970-01-01"
    assert call("htmlDateInZone", 0, "America/New_York") == "1969-12-31"
    assert call("unixEpoch", call("now")) == "1772600767"


@pytest.mark.parametrize(
    ("layout", "text", "rfc3339"),
    [
        ("2006-01-02", "2020-02-29", "2020-02-29T00:00:00Z"),
        ("02 Jan 06 15:04 MST", "02 feb 69 15:04 PST", "1969-02-02T15:04:00Z"),
        ("2006-01-02T15:04:05Z07:00", "2020-01-02T03:04:05.123456Z", "2020-01-02T03:04:05.123456Z"),
        ("2006-01-02 -0700", "2020-01-02 -0730", "2020-01-02T00:00:00-07:30"),
        ("2006 002", "2020 060", "2020-02-29T00:00:00Z"),
        ("3:04PM", "12:05AM", "0000-01-01T00:05:00Z"),
        ("Jan _2 2006", "Mar  7 2021", "2021-03-07T00:00:00Z"),
    ],
)
def test_text_is_read_by_a_layout(call, layout, text, rfc3339):
    assert call("mustToDate", layout, text).json_text() == rfc3339


@pytest.mark.parametrize(
    ("layout", "text", "error"),
    [
        ("2006-01-02", "2021-13-01", 'parsing time "2021-13-01": month out of range'),
        ("2006-01-02", "2021-02-30", 'parsing time "2021-02-30": day out of range'),
        ("2006", "x", 'parsing time "x" as "2006": cannot parse "x" as "2006"'),
        ("2006", "2020é", 'parsing time "2020\\xc3\\xa9": extra text: "\\xc3\\xa9"'),
        ("2006-01", "2020/01", 'parsing time "2020/01" as "2006-01": cannot parse "/01" as "-"'),
        ("01 002", "02 001", 'parsing time "02 001": day-of-year does not match month'),
        ("-0700", "+9900", 'parsing time "+9900": time zone offset hour out of range'),
    ],
)
def test_text_that_does_not_fit_is_an_error_or_the_first_instant_of_year_one(call, layout, text, error):
    with pytest.raises(FunctionError) as failure:
        call("mustToDate", layout, text)
    assert failure.value.text == error
    assert call("toDate", layout, text).go_string() == "0001-01-01 00:00:00 +0000 UTC"


def test_time_moves_by_a_duration(call):
    start = call("toDate", "2006", "2020")
    assert call("dateModify", "-1h30m", start).go_string() == "2019-12-31 22:30:00 +0000 UTC"
    assert call("dateModify", "bad", start) == start
    with pytest.raises(FunctionError, match='unknown unit "d" in duration'):
        call("mustDateModify", "1d", start)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("1h2m3.5s", 3723_500_000_000),
        ("-1.5ms", -1_500_000),
        (".5us", 500),
        ("1µs", 1000),
        ("2562047h47m16.854775807s", 2**63 - 1),
    ],
)
def test_duration_is_read(text, nanoseconds):
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "-", "1", "h", ".s", "1h ", "9223372036854775808ns", "1d", "+-1s"])
def test_bad_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"^time: "):
        parse_duration(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_written_duration_reads_back(nanoseconds):
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@given(st.integers(-(2**55), 2**55))
def test_calendar_reading_leads_back_to_its_second(seconds):
    civil = civil_from_seconds(seconds)
    day_seconds = civil.hour * 3600 + civil.minute * 60 + civil.second
    assert days_from_civil(civil.year, civil.month, civil.day) * 86400 + day_seconds == seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2h10m5s", "2h"), ("400h", "16d"), ("800h", "1mo"), ("9000h", "1y"), ("-3h", "3h"), ("1h", "60m"), ("x", "0s"),
        (3, "0s"), (Int64(3_600_000_000_001), "1h"),
    ],
)  # fmt: skip
def test_duration_is_rounded_to_its_largest_unit(call, value, text):
    assert call("durationRound", value) == text


def test_seconds_become_a_duration(call):
    assert call("duration", "95") == "1m35s"
    assert call("duration", 95) == "0s"
    assert call("duration", Int64(7200)) == "2h0m0s"


def test_time_since_a_date_is_rounded_to_seconds(call):
    assert call("ago", 1772600767) == "1s"
    assert call("ago", 1772600700) == "1m8s"
    assert call("ago", None) == "0s"


def test_zone_without_a_name_is_shown_by_its_offset():
    assert GoTime(0, 0, FixedZone("", 3600)).go_string() == "1970-01-01 01:00:00 +0100 +0100"
