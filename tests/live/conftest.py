"""Live tests: everything here needs the real control plane, is marked live and may open loopback connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.fixtures import *  # noqa: F403  # fixtures are shared by import


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Unit tests block sockets; these may use them."""
