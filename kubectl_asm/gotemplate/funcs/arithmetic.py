"""Number functions: int64 arithmetic with Go's overflow, decimal arithmetic for floats, rounding, ranges.

Arguments may be of any type; ``coercion`` turns them into numbers. Called through the table in ``funcs/__init__.py``.
Source: spec/templates.md sections 3.2 and 6.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from kubectl_asm.gotemplate.floats import format_v
from kubectl_asm.gotemplate.funcs.coercion import parse_plain_int, to_float, to_int
from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError
from kubectl_asm.gotemplate.printf import display
from kubectl_asm.gotemplate.values import ANY, GoList, Int64, int64, wrap

GROUP = "math"

# --- integers ---------------------------------------------------------------------------------------------


def convert_to_int(value: object) -> int:
    """Return the value as an int; a text is read as a literal, anything unknown is 0."""
    return to_int(value)


def convert_to_int64(value: object) -> Int64:
    """Return the value as an int64; a text is read as a literal, anything unknown is 0."""
    return Int64(to_int(value))


def atoi(text: str) -> int:
    """Return the decimal number of a text, 0 when it is none, the nearest limit when it is too large."""
    return parse_plain_int(text)[0]


def to_decimal(value: object) -> Int64:
    """Return the number that the value's octal digits mean, 0 when they are none."""
    number, wrong = parse_plain_int(display(value), 8)
    return Int64(0 if wrong else number)


def add(*values: object) -> Int64:
    """Return the sum of the values as integers."""
    return int64(sum(map(to_int, values)))


def add1(value: object) -> Int64:
    """Return the value plus one."""
    return int64(to_int(value) + 1)


def sub(left: object, right: object) -> Int64:
    """Return left minus right."""
    return int64(to_int(left) - to_int(right))


def mul(value: object, *factors: object) -> Int64:
    """Return the product of the values as integers."""
    return int64(math.prod(map(to_int, factors), start=to_int(value)))


def _divide(left: object, right: object) -> tuple[int, int]:
    """Return quotient and remainder of a division towards zero. Raises: FunctionError for a zero divisor."""
    dividend, divisor = to_int(left), to_int(right)
    if divisor == 0:
        raise FunctionError("runtime error: integer divide by zero")
    quotient, remainder = divmod(abs(dividend), abs(divisor))
    return (quotient if (dividend < 0) == (divisor < 0) else -quotient), (-remainder if dividend < 0 else remainder)


def div(left: object, right: object) -> Int64:
    """Return the integer quotient, cut towards zero. Raises: FunctionError for a zero divisor."""
    return int64(_divide(left, right)[0])


def mod(left: object, right: object) -> Int64:
    """Return the remainder with the sign of left. Raises: FunctionError for a zero divisor."""
    return int64(_divide(left, right)[1])


def maximum(value: object, *others: object) -> Int64:
    """Return the largest of the values as integers."""
    return Int64(max(map(to_int, (value, *others))))


def minimum(value: object, *others: object) -> Int64:
    """Return the smallest of the values as integers."""
    return Int64(min(map(to_int, (value, *others))))


# --- floats -----------------------------------------------------------------------------------------------


def _larger(left: float, right: float) -> float:
    """Return the larger float: an infinity wins over NaN, NaN over numbers, 0 over -0. Source: Go math.Max."""
    if math.inf in (left, right):
        return math.inf
    if math.isnan(left) or math.isnan(right):
        return math.nan
    if left == right == 0:
        return right if math.copysign(1, left) < 0 else left
    return max(left, right)


def maxf(value: object, *others: object) -> float:
    """Return the largest of the values as floats."""
    result = to_float(value)
    for other in others:
        result = _larger(result, to_float(other))
    return result


def minf(value: object, *others: object) -> float:
    """Return the smallest of the values as floats."""
    result = to_float(value)
    for other in others:
        result = -_larger(-result, -to_float(other))
    return result


def _whole(value: float, direction: Callable[[float], int]) -> float:
    """Return the float rounded in a direction; keeps infinities, NaN and the sign of zero."""
    if not math.isfinite(value):
        return value
    return math.copysign(float(direction(value)), value)


def ceil(value: object) -> float:
    """Return the smallest whole float that is not below the value."""
    return _whole(to_float(value), math.ceil)


def floor(value: object) -> float:
    """Return the largest whole float that is not above the value."""
    return _whole(to_float(value), math.floor)


def _power_of_ten(places: int) -> float:
    """Return 10**places by Go's algorithm, which is not always the float nearest to it.

    Source: Go math.Pow: square and multiply on mantissas, exponents kept apart.
    """
    mantissa, exponent = 1.0, 0
    factor, factor_exponent = math.frexp(10.0)
    rest = abs(places)
    while rest:
        if abs(factor_exponent) > 1 << 12:
            exponent += factor_exponent
            break
        if rest & 1:
            mantissa, exponent = mantissa * factor, exponent + factor_exponent
        factor, factor_exponent = factor * factor, factor_exponent * 2
        if factor < 0.5:
            factor, factor_exponent = factor * 2, factor_exponent - 1
        rest >>= 1
    if places < 0:
        mantissa, exponent = 1 / mantissa, -exponent
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.inf


def _quotient(left: float, right: float) -> float:
    """Return the float quotient with Go's infinities and NaN for a zero divisor."""
    if right != 0:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def round_to(value: object, places: int, *threshold: float) -> float:
    """Return the float with so many decimal places; a digit fraction from threshold (0.5) on goes up.

    A negative value has a negative fraction and therefore always goes down: -1.234 to one place is -1.3.
    """
    power = _power_of_ten(places)
    scaled = power * to_float(value)
    fraction = math.modf(scaled)[0] if math.isfinite(scaled) else math.nan
    rounded = _whole(scaled, math.ceil if fraction >= (threshold[0] if threshold else 0.5) else math.floor)
    return _quotient(rounded, power)


def _decimal(value: object) -> Fraction:
    """Return the exact value of a float's shortest decimal form. Raises: FunctionError for infinities and NaN."""
    number = to_float(value)
    if not math.isfinite(number):
        raise FunctionError(f"Cannot create a Decimal from {format_v(number)}")
    return Fraction(repr(number))


def _to_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _divide_decimals(left: Fraction, right: Fraction) -> Fraction:
    """Return the quotient with 16 decimal places, halves away from zero. Raises: FunctionError for a zero divisor."""
    if right == 0:
        raise FunctionError("decimal division by 0")
    scale = 10**16
    exact = left / right
    digits = math.floor(abs(exact) * scale + Fraction(1, 2))
    return Fraction(-digits if exact < 0 else digits, scale)


def _fold(operation: Callable[[Fraction, Fraction], Fraction], first: object, rest: tuple[object, ...]) -> float:
    result = _decimal(first)
    for value in rest:
        result = operation(result, _decimal(value))
    return _to_float(result)


def addf(*values: object) -> float:
    """Return the sum of the values' decimal forms."""
    return _fold(Fraction.__add__, 0.0, values)


def add1f(value: object) -> float:
    """Return the value plus one."""
    return addf(value, 1)


def subf(value: object, *others: object) -> float:
    """Return the first value less all others, in decimal."""
    return _fold(Fraction.__sub__, value, others)


def mulf(value: object, *others: object) -> float:
    """Return the product of the values' decimal forms."""
    return _fold(Fraction.__mul__, value, others)


def divf(value: object, *others: object) -> float:
    """Return the first value divided by the others in turn, in decimal. Raises: FunctionError for a zero divisor."""
    return _fold(_divide_decimals, value, others)


def convert_to_float(value: object) -> float:
    """Return the value as a float; a text is read as a literal, anything unknown is 0."""
    return to_float(value)


# --- ranges -----------------------------------------------------------------------------------------------


def _range(env: Environment, start: int, stop: int, step: int) -> range:
    """Return the numbers from start to before stop; none when step is 0 or leads away from stop. Asks the budget."""
    numbers = range(start, stop, step) if step else range(0)
    count = -(-(stop - start) // step) if step else 0
    env.budget.items(max(count, 0))
    return numbers


def until_step(env: Environment, start: int, stop: int, step: int) -> GoList:
    """Return the numbers from start to before stop, step apart."""
    return GoList(_range(env, start, stop, step), "int")


def until(env: Environment, count: int) -> GoList:
    """Return the numbers from 0 to before count, downwards for a negative count."""
    return until_step(env, 0, count, -1 if count < 0 else 1)


def seq(env: Environment, *bounds: int) -> str:
    """Return the numbers END (from 1), START END or START STEP END as a text, both ends included.

    Counts down when END is below START, with three arguments only if STEP is negative. Any other number of arguments
    gives an empty text.
    """
    if not 1 <= len(bounds) <= 3:
        return ""
    start, end = (1 if len(bounds) == 1 else bounds[0]), bounds[-1]
    direction = -1 if end < start else 1
    step = bounds[1] if len(bounds) == 3 else direction
    if len(bounds) == 3 and direction < 0 < step:
        return ""
    return " ".join(map(str, _range(env, start, wrap(end + direction), step)))


_ONE: Final = (ANY,)
_TWO: Final = (ANY, ANY)


def _variadic(name: str, call: Callable[..., object], params: tuple[str, ...], result: str, summary: str) -> Function:
    return Function(name, GROUP, call, params, result, variadic=True, summary=summary)


FUNCTIONS: tuple[Function, ...] = (
    _variadic("add", add, _ONE, "int64", "Sum of integers."),
    Function("add1", GROUP, add1, _ONE, "int64", summary="Integer plus one."),
    Function("add1f", GROUP, add1f, _ONE, "float64", summary="Decimal number plus one."),
    _variadic("addf", addf, _ONE, "float64", "Sum of decimal numbers."),
    Function("atoi", GROUP, atoi, ("string",), "int", summary="Decimal digits as int, 0 when they are none."),
    _variadic("biggest", maximum, _TWO, "int64", "Older name of max."),
    Function("ceil", GROUP, ceil, _ONE, "float64", summary="Next whole number upwards."),
    Function("div", GROUP, div, _TWO, "int64", summary="Integer quotient, cut towards zero."),
    _variadic("divf", divf, _TWO, "float64", "Decimal quotient with 16 places."),
    Function("float64", GROUP, convert_to_float, _ONE, "float64", summary="Any value as float64."),
    Function("floor", GROUP, floor, _ONE, "float64", summary="Next whole number downwards."),
    Function("int", GROUP, convert_to_int, _ONE, "int", summary="Any value as int, 0 when it is no number."),
    Function("int64", GROUP, convert_to_int64, _ONE, "int64", summary="Any value as int64, 0 when it is no number."),
    _variadic("max", maximum, _TWO, "int64", "Largest integer."),
    _variadic("maxf", maxf, _TWO, "float64", "Largest float."),
    _variadic("min", minimum, _TWO, "int64", "Smallest integer."),
    _variadic("minf", minf, _TWO, "float64", "Smallest float."),
    Function("mod", GROUP, mod, _TWO, "int64", summary="Remainder of an integer division."),
    _variadic("mul", mul, _TWO, "int64", "Product of integers."),
    _variadic("mulf", mulf, _TWO, "float64", "Product of decimal numbers."),
    Function(
        "round", GROUP, round_to, (ANY, "int", "float64"), "float64", variadic=True, summary="Float with so many decimal places."
    ),
    Function("seq", GROUP, seq, ("int",), variadic=True, needs_env=True, summary="Numbers from start to end as text."),
    Function("sub", GROUP, sub, _TWO, "int64", summary="Difference of integers."),
    _variadic("subf", subf, _TWO, "float64", "Difference of decimal numbers."),
    Function("toDecimal", GROUP, to_decimal, _ONE, "int64", summary="Octal digits as a number."),
    Function("until", GROUP, until, ("int",), "[]int", needs_env=True, summary="Numbers from 0 to before a count."),
    Function("untilStep", GROUP, until_step, ("int", "int", "int"), "[]int", needs_env=True, summary="Numbers a step apart."),
)
