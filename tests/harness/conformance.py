"""Run conformance cases (schema asm-conformance/1) through the public engine over memory adapters with fake time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader
from kubectl_asm.adapters.cloud.values import decode_fixtures
from kubectl_asm.adapters.decorate import RecordingReader, Retry, RetryingReader, SequentialSource
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.endpoints import with_present_ca
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Plan
from kubectl_asm.engine.plan import Retry as RetryOutcome
from kubectl_asm.engine.scope import ScopeConflictError, check_scope
from kubectl_asm.errors import NotFoundError
from kubectl_asm.manifest.decode import KINDS
from kubectl_asm.model.backend import SecretRead
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, ConfigMap, Namespace, Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.ports import SecretSource

from .cases import loaded, namespaces_of, settings_of, typed, typed_all
from .cluster import ClusterWorld, requeue_of
from .identity import Marks, WatchedSource, Wire, access_of, api_of, identity_problems, router_over
from .matchers import data_problems
from .world import FakeBucket, FakeClock, FaultyCluster, SeededRandom

PROFILES = {"seed": "0.6.2", "v0.6.7": "0.6.7"}


@dataclass(frozen=True)
class Result:
    """One case under one profile."""

    name: str
    problems: tuple[str, ...] = ()
    unverified: bool = False
    skipped: bool = False

    @property
    def passed(self) -> bool:
        return not self.problems


def load_cases(paths: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (file, case) of every conformance file below paths."""
    for path in paths:
        root = Path(path)
        files = sorted(root.rglob("*.yaml")) if root.is_dir() else [root]
        for file in files:
            document = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
            if isinstance(document, dict) and document.get("schema") == "asm-conformance/1":
                for case in document["cases"]:
                    yield file.name, case


def run_case(case: Mapping[str, Any], profile: str, worlds: Worlds | None = None) -> Result:
    """Run every round of a case and collect what differs. A crash is a difference too, and ends the case only.

    worlds: what runs the rounds, one-shot passes when None.
    """
    try:
        problems = tuple(_rounds(case, PROFILES[profile], worlds or Worlds()))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other cases still count
        problems = (f"crashed: {type(error).__name__}: {error}",)
    return Result(f"{case['name']} [{profile}]", problems, unverified=bool(case.get("unverified")))


def _rounds(case: Mapping[str, Any], compat: str, worlds: Worlds) -> Iterator[str]:
    made = worlds.of_cluster if "clusterExternalSecret" in case["given"] else worlds.of_case or CaseWorld
    world = made(case, compat)
    yield from (f"round 1: {text}" for text in world.round(case["expect"]))
    for position, step in enumerate(case.get("then", ()), start=2):
        world.change(step.get("set", {}), step.get("advance", 60))
        yield from (f"round {position}: {text}" for text in world.round(step["expect"]))


@dataclass(frozen=True)
class Worlds:
    """Who runs the rounds of cases."""

    of_case: type[CaseWorld] | None = None
    of_cluster: type[ClusterWorld] = ClusterWorld


@dataclass
class CaseWorld:
    """State that carries over from round to round."""

    case: Mapping[str, Any]
    compat: str
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.given = dict(self.case["given"])
        self.settings = settings_of(self.case, self.compat)
        self.random = SeededRandom()
        self.is_identity = self.case.get("area", "").startswith(("identity.", "access."))
        self.wire = Wire(self.given, self.clock)
        self._new_router()
        self.namespace = self.given.get("namespace", "default")
        self.name = self.given.get("name", "demo")
        self.cluster = MemoryCluster(now=self.clock.instant, manager="ack-secret-manager")
        self.cluster.load(typed_all(self.given.get("objects", ())))
        self.cluster.load(typed_all(self.given.get("stores", ())))
        self.cluster.load(namespaces_of(self.given))
        self.cluster.load([self._external()])
        self.faults = FaultyCluster(self.cluster, self.given.get("apiFaults", ()), loaded)
        self.clock.is_shutdown = bool(self.given.get("cancelledBeforeStart"))
        self.clock.cancel_first_wait = bool(self.given.get("cancelDuringFirstWait"))
        self._new_backend()

    def _external(self) -> ExternalSecret:
        metadata = dict(self.given.get("metadata", {}))
        metadata.setdefault("finalizers", [FINALIZER])
        if metadata.pop("deletionTimestamp", False):
            metadata["deletionTimestamp"] = "2026-03-02T07:59:00Z"
        status = [
            {"ExternalSecretKey": entry.get("key", ""), **{k: v for k, v in entry.items() if k != "key"}}
            for entry in self.given.get("status", ())
        ]
        body = {
            "kind": "ExternalSecret",
            "metadata": {**metadata, "name": self.name, "namespace": self.namespace},
            "spec": self.given.get("spec", {}),
            "status": {"dataSyncResults": [{"synchronizationTime": "2026-03-01T00:00:00Z", **entry} for entry in status]},
        }
        external = typed(body, self.namespace)
        assert isinstance(external, ExternalSecret)
        return external

    def _new_backend(self) -> None:
        if self.is_identity:
            self.wire.restock()
            return
        document = {"kms": self.given.get("kms", {}), "oos": self.given.get("oos", {})}
        fixtures, problems = decode_fixtures(document)
        assert not problems, problems
        self.recorder = RecordingReader(FixtureSecretReader(fixtures))

    def _new_router(self) -> None:
        """Start the component's clients, with the environment it has."""
        self.router = router_over(self.wire, self.settings, self.given.get("env", {}), self.clock, self.random)

    def change(self, changes: Mapping[str, Any], advance: float) -> None:
        """Apply what a case sets between rounds; the clock jumps afterwards."""
        self.clock.wait(advance)
        self.given.update({key: changes[key] for key in ("env", "files", "namespaces", "cloud", "terminating") if key in changes})
        if "env" in changes:  # a process gets another environment only by starting anew
            self.settings = settings_of({**self.case, "given": self.given}, self.compat)
            self._new_router()
        if "namespaces" in changes or "terminating" in changes:
            self.cluster.load(namespaces_of(self.given))
        if "kms" in changes or "oos" in changes:
            self.given.update({key: changes[key] for key in ("kms", "oos") if key in changes})
            self._new_backend()
        if "apiFaults" in changes:
            self.faults = FaultyCluster(self.cluster, changes["apiFaults"], loaded)
        for item in changes.get("removeObjects", ()):
            self._remove(item)
        self.cluster.load(typed_all(changes.get("objects", ())))
        if "spec" in changes:
            self.given["spec"] = changes["spec"]
            current = self.cluster.get(ExternalSecret, self.namespace, self.name)
            fresh = self._external()
            self.cluster.update(_with_spec(current, fresh))

    def _remove(self, item: Mapping[str, str]) -> None:
        kind = next(kind for kind in KINDS.values() if kind.RESOURCE.kind == item["kind"])
        namespace = item.get("namespace", self.namespace) if kind.RESOURCE.namespaced else ""
        with contextlib.suppress(NotFoundError):
            self.cluster.delete(self.cluster.get(kind, namespace, item["name"]))

    def round(self, expect: Mapping[str, Any]) -> list[str]:
        """Run one round and return what differs from what is expected."""
        try:
            check_scope(self.settings)
        except ScopeConflictError as error:
            return [] if expect.get("startup") == "refused" else [f"startup: refused ({error})"]
        if "startup" in expect:
            return ["startup: wanted refused, got started"]
        self.clock.waits.clear()
        if "access" in expect:
            return list(self._access_problems(expect["access"]))
        return self._run(expect)

    def _access_problems(self, wanted: Mapping[str, str]) -> Iterator[str]:
        for namespace, verdict in wanted.items():
            self.namespace = namespace
            self.cluster.load([self._external()])
            external = self.cluster.get(ExternalSecret, namespace, self.name)
            source = WatchedSource(SequentialSource(self.router))
            ports = self._ports(source, FakeBucket(self.clock, ()))
            got = access_of(Rounds(ports, self._present()).run(external, Executor(self.faults, self.faults)))
            if got != verdict:
                yield f"access.{namespace}: wanted {verdict}, got {got}"

    def _present(self) -> Settings:
        """Return the settings as the files of this round make them."""
        return with_present_ca(self.settings, lambda path: path in self.wire.files())

    def _ports(self, source: SecretSource, bucket: FakeBucket) -> RoundPorts:
        return RoundPorts(
            reader=self.faults,
            references=References(self.faults),
            source=source,
            bucket=bucket,
            now=self.clock.instant,
            template_environment=template_environments(self.random, self.clock),
            environment=self.given.get("env", {}),
            is_stale=lambda name: name in self.given.get("staleClients", ()),
        )

    def _run(self, expect: Mapping[str, Any]) -> list[str]:
        calls_before = 0 if self.is_identity else len(self.recorder.reads)
        marks = Marks(self.wire)
        bucket = FakeBucket(self.clock, self.given.get("limiterExhausted", ()))
        reader = RetryingReader(self.router if self.is_identity else self.recorder, Retry(self.clock, self.random))
        source = WatchedSource(SequentialSource(reader))
        ports = self._ports(source, bucket)
        before = self.cluster.get(ExternalSecret, self.namespace, self.name).status
        external = self.cluster.get(ExternalSecret, self.namespace, self.name)
        plan = self._round(Rounds(ports, self._present()), external)
        if not self.is_identity:
            calls = list(self.recorder.reads[calls_before:])
            return [*self._problems(expect, plan, bucket, before), *_call_problems(expect, calls)]
        seen = identity_problems(expect.get("identity", ()), plan, self.wire, source.unfetched(plan))
        return [*self._problems(expect, plan, bucket, before), *seen, *marks.problems(expect)]

    def _round(self, rounds: Rounds, external: ExternalSecret) -> Plan:
        """Run one round as `sync` does."""
        return rounds.run(external, Executor(self.faults, self.faults))

    def _problems(self, expect: Mapping[str, Any], plan: Plan, bucket: FakeBucket, before: Any) -> Iterator[str]:
        if "decision" in expect and plan.decision != expect["decision"]:
            yield f"decision: wanted {expect['decision']}, got {plan.decision} ({plan.reason})"
        result = "error" if isinstance(plan.outcome, RetryOutcome) else "ok"
        if result != expect.get("result", "ok"):
            yield f"result: wanted {expect.get('result', 'ok')}, got {result}"
        if "secret" in expect:
            yield from self._secret_problems(expect["secret"])
        yield from self._status_problems(expect, before)
        if "waits" in expect:
            yield from _wait_problems(expect["waits"], self.clock.waits)
        for provider, tokens in expect.get("limiterTokens", {}).items():
            if bucket.tokens[provider] != tokens:
                yield f"limiterTokens.{provider}: wanted {tokens}, got {bucket.tokens[provider]}"
        if "requeue" in expect and (got := requeue_of(plan.outcome)) != expect["requeue"]:
            yield f"requeue: wanted {expect['requeue']}, got {got}"
        yield from self._object_problems(expect)

    def _secret_problems(self, wanted: Any) -> Iterator[str]:
        external_name = (self.given.get("spec", {}).get("target") or {}).get("name") or self.name
        name = external_name if wanted == "absent" else wanted.get("name", external_name)
        try:
            secret = self.cluster.get(Secret, self.namespace, name)
        except NotFoundError:
            if wanted != "absent":
                yield f"secret: wanted {name}, got none"
            return
        if wanted == "absent":
            yield "secret: wanted absent, got one"
            return
        if "data" in wanted:
            yield from data_problems(wanted["data"], secret)
        if "type" in wanted and secret.type != wanted["type"]:
            yield f"secret.type: wanted {wanted['type']}, got {secret.type}"
        if "namespace" in wanted and secret.namespace != wanted["namespace"]:
            yield f"secret.namespace: wanted {wanted['namespace']}, got {secret.namespace}"
        if wanted.get("ownerReferencesKept") and not secret.metadata.owner_references:
            yield "secret.ownerReferences: lost"
        for word, got in (("labels", secret.metadata.labels), ("annotations", secret.metadata.annotations)):
            yield from _metadata_problems(word, wanted, got)

    def _status_problems(self, expect: Mapping[str, Any], before: Any) -> Iterator[str]:
        after = self.cluster.get(ExternalSecret, self.namespace, self.name).status if self._exists() else None
        if "status" in expect and after is not None:
            yield from _status_list_problems(expect["status"], list(after.data_sync_results))
        if "time" in expect and after is not None:
            from kubectl_asm.engine.status import SYNTHETIC_KEYS, timestamp

            now = timestamp(self.clock.instant())
            data = [entry for entry in after.data_sync_results if entry.key not in SYNTHETIC_KEYS]
            advanced = after != before and bool(data) and all(entry.time == now for entry in data)
            if expect["time"] == "advanced" and not advanced:
                yield "time: wanted advanced, got kept"
            if expect["time"] == "kept" and after != before:
                yield "time: wanted kept, got advanced"

    def _exists(self) -> bool:
        try:
            self.cluster.get(ExternalSecret, self.namespace, self.name)
        except NotFoundError:
            return False
        return True

    def _object_problems(self, expect: Mapping[str, Any]) -> Iterator[str]:
        if "finalizers" in expect:
            got = list(self.cluster.get(ExternalSecret, self.namespace, self.name).metadata.finalizers) if self._exists() else []
            if got != expect["finalizers"]:
                yield f"finalizers: wanted {expect['finalizers']}, got {got}"
        kinds = {kind.RESOURCE.kind: kind for kind in (Secret, ConfigMap, Namespace)}
        for item in expect.get("objectsPresent", ()):
            try:
                self.cluster.get(kinds[item["kind"]], self.namespace, item["name"])
            except NotFoundError:
                yield f"objectsPresent: {item['kind']} {item['name']} is gone"


def _with_spec(current: ExternalSecret, fresh: ExternalSecret) -> ExternalSecret:
    import msgspec

    return msgspec.structs.replace(current, spec=fresh.spec)


def _metadata_problems(word: str, wanted: Mapping[str, Any], got: Mapping[str, str]) -> Iterator[str]:
    if word in wanted and dict(got) != wanted[word]:
        yield f"secret.{word}: wanted {wanted[word]}, got {dict(got)}"
    for key, value in wanted.get(f"{word}Include", {}).items():
        if got.get(key) != value:
            yield f"secret.{word}[{key}]: wanted {value!r}, got {got.get(key)!r}"
    for key in wanted.get(f"{word}Exclude", ()):
        if key in got:
            yield f"secret.{word}[{key}]: wanted absent"
    if word == "labels":
        for key, pattern in wanted.get("labelPatterns", {}).items():
            if not re.search(pattern, got.get(key, "")):
                yield f"secret.labels[{key}]: {got.get(key)!r} does not match {pattern}"


def _status_list_problems(wanted: list[Mapping[str, Any]], got: list[Any]) -> Iterator[str]:
    rest = list(got)
    for entry in wanted:
        reasons = entry.get("reasonContains", [])
        reasons = [reasons] if isinstance(reasons, str) else reasons
        match = next(
            (
                item
                for item in rest
                if (item.key, item.status) == (entry.get("key", ""), entry["status"])
                and all(part in item.reason for part in reasons)
            ),
            None,
        )
        if match is None:
            yield f"status: wanted {dict(entry)}, got {[(item.key, item.status, item.reason) for item in got]}"
            return
        rest.remove(match)
    if rest:
        yield f"status: unexpected {[(item.key, item.status, item.reason) for item in rest]}"


def _api_of(read: SecretRead) -> dict[str, Any]:
    api, params = api_of(read)
    return {"api": api, "params": params}


def _call_problems(expect: Mapping[str, Any], calls: list[SecretRead]) -> Iterator[str]:
    if "calls" in expect:
        got = [_api_of(read) for read in calls]
        wanted = [{key: call[key] for key in ("api", "params") if key in call} for call in expect["calls"]]
        if len(got) != len(wanted) or any(
            any(seen.get(key) != value for key, value in want.items()) for seen, want in zip(got, wanted, strict=True)
        ):
            yield f"calls: wanted {wanted}, got {got}"
    for key, number in expect.get("callCount", {}).items():
        seen = sum(read.request.key == key for read in calls)
        if seen != number:
            yield f"callCount.{key}: wanted {number}, got {seen}"


def _wait_problems(wanted: list[list[float]], got: list[float]) -> Iterator[str]:
    if len(wanted) != len(got) or any(not low <= wait <= high for (low, high), wait in zip(wanted, got, strict=True)):
        yield f"waits: wanted {wanted}, got {got}"
