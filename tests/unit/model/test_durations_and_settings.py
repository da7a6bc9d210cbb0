"""Go durations and the presets of profiles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubectl_asm.model.durations import DurationError, format_duration, parse_duration
from kubectl_asm.model.settings import ONE_SHOT, PROFILES, ExtractStrings, Settings, profile_settings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("+0", 0), ("10s", 10), ("1m30s", 90), ("1h30m", 5400), ("-1.5h", -5400), ("+5s", 5), (".5s", 0.5), ("5.s", 5),
        ("1h0.5m", 3630),
        ("1ms", 0.001), ("1us", 1e-6), ("1µs", 1e-6), ("1μs", 1e-6), ("1500ns", 2e-6), ("1s1h", 3601), ("0s", 0), ("-0", 0),
    ],
)  # fmt: skip
def test_go_forms(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", " ", "90", "1d", "10S", "10 s", "5min", "1h30", "1h,30m", ".h", "soon", "s", "-", "1.2.3s", " 10s", "10s\n", "1e3s",
     "٣s", "3000000h"],
)  # fmt: skip
def test_what_go_refuses(text):
    with pytest.raises(DurationError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (10, "10s"), (90, "1m30s"), (5400, "1h30m0s"), (1.5, "1.5s"), (-90, "-1m30s"), (0.5, "500ms"),
     (0.0015, "1.5ms"), (5e-6, "5µs"), (-0.25, "-250ms")],
)  # fmt: skip
def test_durations_are_written_as_go_writes_them(seconds, text):
    assert format_duration(timedelta(seconds=seconds)) == text
    assert parse_duration(text) == timedelta(seconds=seconds)


def test_the_default_profile_presets_nothing_but_its_name():
    assert profile_settings("0.6.2", one_shot=False) == Settings()


def test_presets_name_existing_fields_only():
    names = set(Settings.__struct_fields__)
    for preset in (ONE_SHOT, *PROFILES.values()):
        assert set(preset) <= names


def test_one_shot_commands_leave_finalizers_and_deletions_alone_in_every_profile():
    for compat in PROFILES:
        settings = profile_settings(compat, one_shot=True)
        assert not settings.manage_finalizers
        assert not settings.process_deletions
        assert not settings.cleanup_secret_on_failure


def test_the_newest_profile_writes_raw_strings():
    assert profile_settings("0.6.7", one_shot=False).extract_json_strings is ExtractStrings.RAW


def test_the_exact_profile_presets_no_data_switch():
    data = {
        "extract_json_strings",
        "replace_values",
        "jmespath_document_integers",
        "cleanup_secret_on_failure",
        "template_functions",
    }
    assert not data & set(PROFILES["0.6.2-exact"])


def test_an_unknown_profile_is_refused():
    with pytest.raises(KeyError):
        profile_settings("1.0", one_shot=False)
