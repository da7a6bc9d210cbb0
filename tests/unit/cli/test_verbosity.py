"""-v: where it may stand, what it shows, and that serve keeps its own."""

import logging
from collections.abc import Iterator

import click
import pytest

from kubectl_asm.adapters.kube.requestlog import RequestLog, RequestRecord
from kubectl_asm.cli.verbosity import hoisted, listen


@pytest.fixture(autouse=True)
def _own_logger() -> Iterator[None]:
    logger = logging.getLogger("kubectl_asm.requests")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


@pytest.mark.parametrize("words", [["-v=9"], ["-v9"], ["-v", "9"], ["--v=9"], ["--v", "9"]], ids=" ".join)
def test_the_level_may_stand_anywhere(words: list[str]) -> None:
    assert hoisted(["sync", *words, "-n", "shop"]) == (["sync", "-n", "shop"], 9)
    assert hoisted([*words, "sync"]) == (["sync"], 9)


def test_serve_and_what_follows_two_dashes_are_left_alone() -> None:
    assert hoisted(["serve", "--v=9"]) == (["serve", "--v=9"], 0)
    assert hoisted(["sync", "--", "-v=9"]) == (["sync", "--", "-v=9"], 0)
    assert hoisted(["completion", "--version"]) == (["completion", "--version"], 0)


@pytest.mark.parametrize("words", [["-v"], ["-v", "many"], ["--v", "-n"]], ids=" ".join)
def test_a_level_that_is_none_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(click.UsageError, match="-v needs a level"):
        hoisted(["sync", *words])


@pytest.mark.parametrize(("level", "is_told"), [(0, False), (5, False), (6, True), (9, True)])
def test_from_level_six_on_a_request_is_one_line(level: int, is_told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    listen(level)
    RequestLog().add(RequestRecord("GET", "/api/v1/namespaces/shop/secrets/app", 200, 12))
    line = "kube GET /api/v1/namespaces/shop/secrets/app 200 in 12 ms"
    assert (line in capsys.readouterr().err) is is_told
