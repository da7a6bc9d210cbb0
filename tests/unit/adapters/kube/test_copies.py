"""What is known of an object between this process's own writes and the watch that tells of them."""

from __future__ import annotations

from kubectl_asm.adapters.kube.collection import Event
from kubectl_asm.adapters.kube.copies import Copies
from kubectl_asm.model.objects import Meta, Namespace
from tests.harness.world import FakeClock


def namespace(version: str, **labels: str) -> Namespace:
    return Namespace(metadata=Meta(name="team", resource_version=version, labels=labels))


def versions(copies: Copies[Namespace]) -> list[str]:
    return [obj.metadata.resource_version for obj in copies.list("")]


def watched() -> Copies[Namespace]:
    return Copies(Namespace, FakeClock())


def test_an_answer_is_seen_before_the_watch_shows_it() -> None:
    copies = watched()
    with copies.asking("", "team") as question:
        question.answered(namespace("1"))
    assert versions(copies) == ["1"]


def test_an_answer_stands_when_the_watch_catches_up_with_an_earlier_one_meanwhile() -> None:
    copies = watched()
    with copies.asking("", "team") as question:
        question.answered(namespace("1"))
    with copies.asking("", "team") as question:
        copies.take(Event("put", "1", namespace("1")))
        question.answered(namespace("2", app="web"))
    assert versions(copies) == ["2"]
    copies.take(Event("put", "2", namespace("2")))
    assert versions(copies) == ["2"]


def test_what_the_watch_shows_after_an_answer_counts() -> None:
    copies = watched()
    with copies.asking("", "team") as question:
        question.answered(namespace("1"))
    copies.take(Event("put", "7", namespace("7")))
    assert versions(copies) == ["7"]


def test_an_answer_that_crossed_somebody_elses_change_is_asked_for_again() -> None:
    copies = watched()
    copies.take(Event("put", "1", namespace("1")))
    with copies.asking("", "team") as question:
        copies.take(Event("put", "7", namespace("7")))
        question.answered(namespace("2"))
    assert copies.look("", "team") is None
