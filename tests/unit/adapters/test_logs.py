"""Log lines: one a record, fields beside the message, exceptions as type and places and never as their text."""

import io
import json
import logging

import pytest

from kubectl_asm.adapters.logs import JsonLines, TextLines, fields, start_logging
from kubectl_asm.model.sensitive import SecretBytes


@pytest.fixture(params=[JsonLines, TextLines])
def form(request):
    return request.param()


def record(message="Secret updated", level=logging.INFO, exc_info=None, **told):
    one = logging.LogRecord("kubectl_asm.app.loop", level, __file__, 1, message, (), exc_info)
    one.created = 1_772_366_400.25
    if told:
        one.fields = told
    return one


def test_a_record_is_one_json_object_with_its_fields():
    line = json.loads(JsonLines().format(record(namespace="shop", keys=3)))
    assert line == {
        "time": "2026-03-01T12:00:00.250Z",
        "level": "info",
        "logger": "app.loop",
        "message": "Secret updated",
        "namespace": "shop",
        "keys": 3,
    }


def test_a_record_is_text_with_its_fields_for_people():
    assert TextLines().format(record(namespace="shop", why="a b")) == (
        '2026-03-01T12:00:00.250Z info  Secret updated namespace=shop why="a b"'
    )


def test_no_field_takes_the_place_of_time_level_logger_or_message():
    one = record()
    one.fields = {"message": "another", "level": "none"}
    line = json.loads(JsonLines().format(one))
    assert (line["message"], line["level"]) == ("Secret updated", "info")


def test_an_exception_is_told_by_type_and_places_and_never_by_its_text(form):
    value = "hunter" + "2"
    try:
        json.loads(value)
    except ValueError as error:
        line = form.format(record(level=logging.ERROR, exc_info=(type(error), error, error.__traceback__)))
    assert "JSONDecodeError" in line
    assert "test_logs.py" in line
    assert value not in line


def test_secret_bytes_in_a_field_are_stars(form):
    line = form.format(record(found=SecretBytes.of_text("hunter2")))
    assert "hunter2" not in line
    assert "***" in line


def test_a_line_break_in_a_field_makes_no_second_line(form):
    assert "\n" not in form.format(record(why="one\ntwo"))


def test_empty_fields_are_left_out():
    assert fields(a="", b=None, c=0, d="x") == {"fields": {"c": 0, "d": "x"}}


def test_records_of_libraries_come_from_warnings_on(monkeypatch):
    root, ours = logging.getLogger(), logging.getLogger("kubectl_asm")
    monkeypatch.setattr(root, "handlers", [])
    before = root.level, ours.level
    stream = io.StringIO()
    try:
        start_logging("json", level="debug", stream=stream)
        logging.getLogger("some.library").info("connected")
        logging.getLogger("some.library").warning("retrying")
        logging.getLogger("kubectl_asm.x").debug("looked")
    finally:
        root.setLevel(before[0])
        ours.setLevel(before[1])
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["retrying", "looked"]
