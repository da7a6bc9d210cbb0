"""What holds for every test: no network, no slow unit tests, expected files rewritten only on request.

Sockets are blocked (--disable-socket in pyproject.toml). Folders that serve on this machine may talk to it and to
nothing else; live tests lift the block themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LOOPBACK = ["127.0.0.0/8", "::1"]
SERVING = ("contract", "unit/emulator", "unit/adapters/cloud", "unit/adapters/credentials", "cli", "faults", "drivers")
UNIT = HERE / "unit"
UNIT_CPU_S = 5.0
"""Processor time, so that a busy machine fails no test; making DSA and RSA keys is the slowest that is asked for."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write the expected files anew instead of comparing with them")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    serving = [HERE / folder for folder in SERVING]
    for item in items:
        if any(folder in item.path.parents for folder in serving):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    start = time.process_time()
    outcome = yield
    spent = time.process_time() - start
    if UNIT in item.path.parents and spent > UNIT_CPU_S:
        pytest.fail(f"a unit test may take {UNIT_CPU_S:g} s of processor time, this one took {spent:.1f} s", pytrace=False)
    return outcome


@pytest.fixture
def is_rewriting(pytestconfig: pytest.Config) -> bool:
    """Whether expected files are to be written anew."""
    return bool(pytestconfig.getoption("--rewrite"))
