"""Conditions are written where the installed definition has a place for them, and found out about once."""

import msgspec

from kubectl_asm.app.conditions import ConditionBook
from kubectl_asm.errors import UnavailableError
from kubectl_asm.model.externalsecret import ExternalSecretStatus, SyncResult
from tests.unit.engine.rounds import external, round_of, source
from tests.unit.engine.worlds import NOW

ONE = external(source("a"), meta={"generation": 3})
RESULTS = (SyncResult("", "Succeeded", "", "t"),)


class Server:
    """Keeps conditions or drops them, and counts how often it is asked."""

    def __init__(self, *, keeps):
        self.keeps = keeps
        self.error = None
        self.asked = 0
        self.status = ExternalSecretStatus()

    def get(self, _kind, _namespace, _name):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return msgspec.structs.replace(ONE, status=self.status)

    def store(self, status):
        self.status = status if self.keeps else ExternalSecretStatus(status.data_sync_results)
        return msgspec.structs.replace(ONE, status=self.status)


def rounds(server, count):
    """Write what each of some equal rounds wants; return how many writes there were."""
    book, stored, writes = ConditionBook(server), ONE, 0
    for number in range(count):
        status = book.status(stored, RESULTS if number == 0 else None, round_of(ONE, "1"), NOW)
        if status is not None:
            writes += 1
            stored = server.store(status)
            book.written(stored, status)
    return writes, stored.status


def test_where_conditions_are_kept_they_are_written_once_and_steady_state_writes_nothing():
    server = Server(keeps=True)
    writes, status = rounds(server, 5)
    assert writes == 1
    assert [one.type for one in status.conditions] == ["Ready", "Degraded", "Stale"]
    assert status.observed_generation == 3
    assert server.asked == 1


def test_where_they_are_dropped_only_the_results_are_written_and_that_once():
    server = Server(keeps=False)
    writes, status = rounds(server, 5)
    assert writes == 1
    assert status == ExternalSecretStatus(RESULTS)
    assert server.asked == 1


def test_an_answer_that_does_not_come_is_asked_for_with_the_next_write():
    server = Server(keeps=True)
    book = ConditionBook(server)
    status = book.status(ONE, RESULTS, round_of(ONE, "1"), NOW)
    server.store(status)
    server.error = UnavailableError("no answer")
    book.written(ONE, status)
    server.error = None
    book.written(ONE, status)
    book.written(ONE, status)
    assert server.asked == 2
