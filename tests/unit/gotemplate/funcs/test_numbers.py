"""Number functions: literals read from texts, 64-bit overflow, decimal floats, Go's rounding."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.gotemplate.funcs.arithmetic import div, mod
from kubectl_asm.gotemplate.funcs.coercion import MAX_INT64, MIN_INT64, parse_float, parse_int, to_int
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.values import Int64, Uint64, type_of


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("", 0), ("42", 42), ("+7", 7), ("-0x1F", -31), ("0b11", 3), ("0o17", 15), ("010", 8), ("08", 0),
        ("1_000", 1000), ("_1", 0),
        ("5.0", 5), ("5.", 0), ("5.0.", 5), ("5.5", 0), (" 1", 0), ("1e3", 0), ("9223372036854775808", 0), (5.9, 5), (-5.9, -5),
        (1e19, MIN_INT64), (math.nan, MIN_INT64), (True, 1), (None, 0), (Uint64(2**64 - 1), -1), ([], 0), (1j, 0),
    ],
)  # fmt: skip
def test_int_reads_a_literal_and_gives_zero_for_anything_else(value, number):
    assert to_int(value) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1_0", 10.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("0x1p4", 16.0),
        ("Infinity", math.inf),
        ("-inf", -math.inf),
    ],
)
def test_float_literal_is_read(text, number):
    assert parse_float(text) == number


@pytest.mark.parametrize("text", ["", "x", "0x10", "1e400", "1__0", " 1", "+nan", "1_.5", "٣"])
def test_text_that_is_no_float_literal_is_refused(text):
    assert parse_float(text) is None


@given(st.integers(MIN_INT64, MAX_INT64))
def test_decimal_text_of_any_int64_reads_back(number):
    assert parse_int(str(number)) == number


@given(st.integers(MIN_INT64, MAX_INT64), st.integers(MIN_INT64, MAX_INT64).filter(bool))
def test_quotient_and_remainder_fit_together_modulo_64_bits(left, right):
    assert (int(div(left, right)) * right + int(mod(left, right)) - left) % (1 << 64) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("add", ("3", 4, None), 7),
        ("add", (MAX_INT64, 1), MIN_INT64),
        ("sub", (MIN_INT64, 1), MAX_INT64),
        ("mul", (MAX_INT64, 2), -2),
        ("div", (-7, 2), -3),
        ("mod", (-7, 2), -1),
        ("div", (MIN_INT64, -1), MIN_INT64),
        ("max", (1, "5", 2.9), 5),
        ("min", ("", 1), 0),
        ("add1", (MAX_INT64,), MIN_INT64),
        ("toDecimal", ("777",), 511),
        ("toDecimal", ("8",), 0),
        ("toDecimal", (None,), 0),
    ],
)
def test_integer_arithmetic_gives_int64(call, name, arguments, result):
    found = call(name, *arguments)
    assert (found, type_of(found)) == (result, "int64")


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("addf", (0.1, 0.2), 0.3),
        ("subf", (0.3, 0.1), 0.2),
        ("mulf", (1.1, 1.1), 1.21),
        ("divf", (1, 3), 0.3333333333333333),
        ("divf", (2, 3, 3), 0.2222222222222222),
        ("add1f", ("1.5",), 2.5),
        ("maxf", (1, "2.5"), 2.5),
        ("minf", (1, math.nan), math.nan),
        ("maxf", (math.nan, math.inf), math.inf),
        ("round", (123.555555, 3), 123.556),
        ("round", (-2.5, 0), -3.0),
        ("round", (1.5, 0, 0.6), 1.0),
        ("round", (123.5, -1), 120.0),
        ("round", (1, 400), math.nan),
        ("ceil", (1.1,), 2.0),
        ("floor", (-1.1,), -2.0),
        ("float64", ("-0",), -0.0),
    ],
)
def test_float_arithmetic_works_on_decimal_forms(call, name, arguments, result):
    found = call(name, *arguments)
    assert found == result or (math.isnan(found) and math.isnan(result))
    assert math.copysign(1, found) == math.copysign(1, result) or math.isnan(result)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("div", (1, 0), "runtime error: integer divide by zero"),
        ("mod", (1, "x"), "runtime error: integer divide by zero"),
        ("divf", (1, 0), "decimal division by 0"),
        ("addf", ("inf",), "Cannot create a Decimal from +Inf"),
    ],
)
def test_impossible_arithmetic_is_an_error(call, name, arguments, text):
    with pytest.raises(FunctionError) as failure:
        call(name, *arguments)
    assert failure.value.text == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((3,), "1 2 3"), ((-2,), "1 0 -1 -2"), ((2, 4), "2 3 4"), ((5, 1), "5 4 3 2 1"), ((0, 2, 5), "0 2 4"),
        ((10, -3, 1), "10 7 4 1"),
        ((3, 1, 1), ""), ((1, 0, 5), ""), ((), ""), ((1, 2, 3, 4), ""),
    ],
)  # fmt: skip
def test_seq_writes_the_numbers_with_both_ends(call, bounds, text):
    assert call("seq", *bounds) == text


def test_until_gives_a_list_of_int(call):
    assert call("until", 3) == [0, 1, 2]
    assert call("until", -2) == [0, -1]
    assert call("untilStep", 0, 10, 3) == [0, 3, 6, 9]
    assert call("untilStep", 0, 5, -1) == []
    assert type_of(call("until", 1)) == "[]int"


def test_conversions_give_their_go_types(call):
    assert type_of(call("int", Int64(1))) == "int"
    assert type_of(call("int64", 1)) == "int64"
    assert call("atoi", "99999999999999999999") == MAX_INT64
    assert call("atoi", "1_0") == 0
