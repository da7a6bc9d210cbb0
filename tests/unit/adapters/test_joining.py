"""Equal reads of one pass reach the service once, whole batches included."""

import threading

import pytest

from kubectl_asm.adapters.joining import JoiningSource
from kubectl_asm.model.backend import BackendError, ClientPlan, Provider, SecretAnswer, SecretRead, SecretRequest
from kubectl_asm.model.sensitive import SecretBytes


def read(key="a", *, client="env.client", stage="", provider=Provider.KMS):
    return SecretRead(ClientPlan(client, provider), SecretRequest(provider, key, version_stage=stage))


class Counting:
    """A source that answers with the key and counts what it is asked."""

    def __init__(self, failure=None):
        self.asked = []
        self.failure = failure

    def fetch_many(self, reads):
        self.asked.append([one.request.key for one in reads])
        return [self.failure or SecretAnswer(SecretBytes.of_text(one.request.key)) for one in reads]


def texts(outcomes):
    return [outcome.data.reveal_text() for outcome in outcomes]


def test_a_second_round_is_answered_without_a_call():
    inner = Counting()
    source = JoiningSource(inner)
    assert texts(source.fetch_many([read("a"), read("b"), read("a")])) == ["a", "b", "a"]
    assert texts(source.fetch_many([read("b")])) == ["b"]
    assert inner.asked == [["a", "b"]]


def test_only_what_is_new_is_asked_for():
    inner = Counting()
    source = JoiningSource(inner)
    source.fetch_many([read("a")])
    assert texts(source.fetch_many([read("a"), read("c")])) == ["a", "c"]
    assert inner.asked == [["a"], ["c"]]


def test_reads_of_other_clients_and_other_versions_are_not_equal():
    inner = Counting()
    source = JoiningSource(inner)
    source.fetch_many([read(), read(client="cluster/a"), read(stage="ACSPrevious")])
    assert inner.asked == [["a", "a", "a"]]


def test_oos_reads_that_differ_only_in_the_ignored_version_are_equal():
    inner = Counting()
    JoiningSource(inner).fetch_many([read(provider=Provider.OOS), read(provider=Provider.OOS, stage="ACSPrevious")])
    assert inner.asked == [["a"]]


@pytest.mark.parametrize(("failure", "calls"), [(BackendError(status=403), 1), (BackendError(status=503), 2)])
def test_a_final_failure_is_remembered_and_a_passing_one_is_not(failure, calls):
    inner = Counting(failure)
    source = JoiningSource(inner)
    outcomes = [source.fetch_many([read()])[0] for _ in range(2)]
    assert [outcome.status for outcome in outcomes] == [failure.status] * 2
    assert len(inner.asked) == calls


def test_forget_makes_the_next_pass_read_afresh():
    inner = Counting()
    source = JoiningSource(inner)
    source.fetch_many([read()])
    source.forget()
    source.fetch_many([read()])
    assert inner.asked == [["a"], ["a"]]


def test_rounds_that_want_the_same_at_the_same_time_wait_for_the_one_that_reads():
    entered, release = threading.Event(), threading.Event()

    class Slow(Counting):
        def fetch_many(self, reads):
            entered.set()
            release.wait(5)
            return super().fetch_many(reads)

    inner, answers = Slow(), []
    source = JoiningSource(inner)
    threads = [threading.Thread(target=lambda: answers.append(texts(source.fetch_many([read()])))) for _ in range(8)]
    threads[0].start()
    entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    release.set()
    for thread in threads:
        thread.join(5)
    assert answers == [["a"]] * 8
    assert inner.asked == [["a"]]


def test_two_rounds_that_want_each_others_secrets_do_not_wait_in_a_circle():
    source = JoiningSource(Counting())
    start, answers = threading.Barrier(2), []

    def ask(keys):
        start.wait(5)
        answers.append(texts(source.fetch_many([read(key) for key in keys])))

    threads = [threading.Thread(target=ask, args=(keys,)) for keys in ("abcd", "dcba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == [["a", "b", "c", "d"], ["d", "c", "b", "a"]]


def test_those_who_wait_get_the_error_of_the_one_that_asked_and_nobody_hangs():
    class Broken:
        def fetch_many(self, reads):
            raise RuntimeError("the source broke")

    source = JoiningSource(Broken())
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the source broke"):
            source.fetch_many([read()])
