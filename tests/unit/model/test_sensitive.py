"""SecretBytes never shows its value, whatever is done to it."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import traceback

import msgspec
import pytest
import yaml

from kubectl_asm.model.sensitive import MASK, SecretBytes

CANARY = "hunter2-canary"


class Holder(msgspec.Struct):
    data: dict[str, SecretBytes]


@dataclasses.dataclass
class Box:
    value: SecretBytes


def secret():
    return SecretBytes.of_text(CANARY)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        format,
        ascii,
        lambda value: f"{value}",
        lambda value: f"{value!r:>20}",
        lambda value: f"{value:>20}",
        lambda value: "%s %r" % (value, value),  # noqa: UP031
        lambda value: "{} {!r}".format(value, value),  # noqa: UP032
        lambda value: repr([value, {"a": value}, (value,)]),
        lambda value: repr(Box(value)),
        lambda value: repr(Holder({"a": value})),
        lambda value: repr(Exception(value)) + str(ValueError("x", value)),
        lambda value: repr(copy.copy(value)) + repr(copy.deepcopy([value])),
        lambda value: repr(dataclasses.asdict(Box(value))),
        lambda value: str(msgspec.to_builtins({"a": "x"})) + str(dir(value)),
    ],
)
def test_no_text_form_shows_the_value(show):
    shown = show(secret())
    assert CANARY not in shown
    assert CANARY not in shown.encode("unicode_escape").decode()


@pytest.mark.parametrize(
    "convert",
    [
        json.dumps,
        pickle.dumps,
        lambda value: pickle.dumps(value, 0),
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        lambda value: msgspec.json.encode(Holder({"a": value})),
        yaml.safe_dump,
        yaml.dump,
        bytes,
        bytearray,
        int,
        float,
        len,
        iter,
        hash,
        memoryview,
        lambda value: value + b"x",
        lambda value: b"".join([value]),
        lambda value: value < value,
        lambda value: value[0],
        lambda value: value.__dict__,
        vars,
    ],
)
def test_no_conversion_gives_the_value_away(convert):
    with pytest.raises((TypeError, AttributeError, msgspec.MsgspecError, yaml.YAMLError)) as caught:
        convert(secret())
    assert CANARY not in str(caught.value)


def test_a_traceback_with_locals_shows_stars():
    def fail(value):
        local = [value]
        raise RuntimeError(f"cannot use {local}")

    try:
        fail(secret())
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert MASK in shown
    assert CANARY not in shown.replace("CANARY", "")


def test_a_log_record_shows_stars():
    stream = io.StringIO()
    logger = logging.Logger("t")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("value %s in %r", secret(), {"a": secret()})
    assert CANARY not in stream.getvalue()


def test_copies_are_the_same_object():
    value = secret()
    assert copy.copy(value) is value
    assert copy.deepcopy({"a": value})["a"] is value


def test_equality_compares_values_and_nothing_else():
    assert secret() == secret()
    assert secret() != SecretBytes(b"other")
    assert secret() != CANARY.encode()
    assert secret() != CANARY


def test_a_buffer_changed_later_does_not_change_the_secret():
    buffer = bytearray(b"abc")
    value = SecretBytes(buffer)
    buffer[0] = 0
    assert value.reveal() == b"abc"


def test_any_bytes_survive_as_text():
    raw = bytes(range(256))
    assert SecretBytes.of_text(SecretBytes(raw).reveal_text()).reveal() == raw


def test_emptiness():
    assert SecretBytes(b"").is_empty()
    assert not SecretBytes(b"\0").is_empty()
