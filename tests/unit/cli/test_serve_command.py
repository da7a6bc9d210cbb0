"""kubectl asm serve: upstream's arguments as they stand in a Deployment, and mistakes that end it before it begins."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from kubectl_asm.errors import UsageError
from kubectl_asm.wiring import serving


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    """The command takes over logging; put it back."""
    root, own = logging.getLogger(), logging.getLogger("kubectl_asm")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


@pytest.fixture
def chosen(asm: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return how the controller would be opened with some arguments."""
    seen: list[serving.ServeChoice] = []

    @contextmanager
    def open_controller(_connection: Any, _cloud: Any, choice: serving.ServeChoice, _world: Any) -> Iterator[None]:
        seen.append(choice)
        raise UsageError("no further")
        yield

    monkeypatch.setattr(serving, "open_controller", open_controller)

    def run(*arguments: str) -> serving.ServeChoice:
        ran = asm("serve", *arguments)
        assert (ran.code, "no further" in ran.err) == (2, True), ran.err
        return seen[-1]

    return run


def test_the_arguments_of_an_upstream_deployment_are_taken_as_they_are(chosen: Any) -> None:
    choice = chosen(
        "-region=cn-beijing", "--reconcile-period=5s", "--reconcile-count=3", "-polling-interval", "60s",
        "--disable-polling=false", "--backend=alicloud-kms", "--token-rotation-period=120s", "--max-concurrent-secret-pulls=7",
        "--enable-worker-role=1", "--watch-namespaces=a,b",
    )  # fmt: skip
    assert (choice.settings.region, choice.settings.polling_interval) == ("cn-beijing", timedelta(seconds=60))
    assert (choice.workers, choice.limits.kms_rounds, choice.limits.oos_rounds) == (3, 7, 10)
    assert choice.settings.watch_namespaces == ("a", "b")


def test_a_leader_is_elected_unless_said_otherwise(chosen: Any) -> None:
    lease = chosen().lease
    assert (lease.name, lease.shards, lease.timings.lease_s) == ("kubectl-asm-controller", 1, 15.0)
    assert chosen("--shards", "8", "--lease-namespace", "asm").lease.shards == 8
    assert chosen("--no-leader-elect").lease is None


def test_a_shadow_takes_part_in_no_election(chosen: Any) -> None:
    choice = chosen("--shadow")
    assert (choice.is_shadow, choice.lease) == (True, None)


def test_finalizers_and_deletions_are_handled_as_a_controller_does(chosen: Any) -> None:
    settings = chosen().settings
    assert (settings.manage_finalizers, settings.process_deletions) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--lease-name", "No_Name"), "is no name for a Lease"),
        (("--leader-elect-lease-duration", "soon"), "--leader-elect-lease-duration"),
        (("--leader-elect-lease-duration", "5s"), "do not fit together"),
        (("--polling-interval", "often"), "--polling-interval"),
        (("--shards", "0"), "--shards"),
        (("--watch-namespaces=a", "--exclude-namespaces=a"), "a"),
    ],
)
def test_a_mistake_ends_it_before_it_begins(asm: Any, arguments: tuple[str, ...], words: str) -> None:
    ran = asm("serve", *arguments)
    assert ran.code == 2
    assert words in ran.err
