"""Run conformance cases (schema asm-conformance/1) through the public engine over memory adapters with fake time."""

from __future__ import annotations

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
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Done, Plan, Retry as RetryOutcome, RetryAfter
from kubectl_asm.engine.scope import parse_namespaces
from kubectl_asm.errors import NotFoundError
from kubectl_asm.manifest.decode import KINDS, decode_object
from kubectl_asm.model.backend import Provider, SecretRead
from kubectl_asm.model.durations import parse_duration
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, ConfigMap, KubeObject, Namespace, Secret
from kubectl_asm.model.settings import Settings, profile_settings

from .matchers import data_problems
from .world import FakeBucket, FakeClock, FaultyCluster, SeededRandom

PROFILES = {"seed": "0.6.2", "v0.6.7": "0.6.7"}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_API_VERSIONS = {kind: version for version, kind in KINDS}


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


def run_case(case: Mapping[str, Any], profile: str) -> Result:
    """Run every round of a case and collect what differs."""
    name = f"{case['name']} [{profile}]"
    world = CaseWorld(case, PROFILES[profile])
    problems = [f"round 1: {text}" for text in world.round(case["expect"])]
    for position, step in enumerate(case.get("then", ()), start=2):
        world.change(step.get("set", {}), step.get("advance", 60))
        problems += [f"round {position}: {text}" for text in world.round(step["expect"])]
    return Result(name, tuple(problems), unverified=bool(case.get("unverified")))


def settings_of(case: Mapping[str, Any], compat: str) -> Settings:
    """Return the settings of a case: profile presets, then what the case writes out."""
    raw = dict(case.get("settings", {}))
    settings = profile_settings(compat, one_shot=raw.pop("command", "serve") != "serve")
    changes: dict[str, Any] = {}
    for key, value in raw.items():
        field_name = _CAMEL.sub("_", key).lower()
        if field_name in ("watch_namespaces", "exclude_namespaces"):
            value = parse_namespaces(value) if isinstance(value, str) else tuple(value)
        elif field_name == "polling_interval":
            value = parse_duration(value)
        changes[field_name] = value
    return settings.replaced({"manage_finalizers": True, "process_deletions": True, **changes})


def typed(document: Mapping[str, Any], namespace: str) -> KubeObject | None:
    """Return a manifest of a case as an object; apiVersion and namespace may be left out."""
    kind = document["kind"]
    body = {"apiVersion": _API_VERSIONS.get(kind, "v1"), **document}
    obj = decode_object(body)
    if obj is not None and obj.RESOURCE.namespaced and not obj.metadata.namespace:
        body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        obj = decode_object(body)
    return obj


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
        self.namespace = self.given.get("namespace", "default")
        self.name = self.given.get("name", "demo")
        self.cluster = MemoryCluster(now=self.clock.instant, manager="ack-secret-manager")
        self.cluster.load(self._objects(self.given.get("objects", ())))
        self.cluster.load(self._objects(self.given.get("stores", ())))
        self.cluster.load([self._external()])
        self.faults = FaultyCluster(self.cluster, self.given.get("apiFaults", ()), lambda raw: typed(raw, "default"))
        self.clock.is_shutdown = bool(self.given.get("cancelledBeforeStart"))
        self.clock.cancel_first_wait = bool(self.given.get("cancelDuringFirstWait"))
        self._new_backend()

    def _objects(self, raw: Any) -> list[KubeObject]:
        return [obj for obj in (typed(item, "default") for item in raw) if obj is not None]

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
        document = {"kms": self.given.get("kms", {}), "oos": self.given.get("oos", {})}
        fixtures, problems = decode_fixtures(document)
        assert not problems, problems
        self.recorder = RecordingReader(FixtureSecretReader(fixtures))

    def change(self, changes: Mapping[str, Any], advance: float) -> None:
        """Apply what a case sets between rounds; the clock jumps afterwards."""
        self.clock.wait(advance)
        if "kms" in changes or "oos" in changes:
            self.given.update({key: changes[key] for key in ("kms", "oos") if key in changes})
            self._new_backend()
        if "apiFaults" in changes:
            self.faults = FaultyCluster(self.cluster, changes["apiFaults"], lambda raw: typed(raw, "default"))
        for item in changes.get("removeObjects", ()):
            self._remove(item)
        self.cluster.load(self._objects(changes.get("objects", ())))
        if "spec" in changes:
            self.given["spec"] = changes["spec"]
            current = self.cluster.get(ExternalSecret, self.namespace, self.name)
            fresh = self._external()
            self.cluster.update(_with_spec(current, fresh))

    def _remove(self, item: Mapping[str, str]) -> None:
        kinds = {kind.RESOURCE.kind: kind for kind in (Secret, ConfigMap, Namespace)}
        kind = kinds[item["kind"]]
        try:
            self.cluster.delete(self.cluster.get(kind, "" if kind is Namespace else self.namespace, item["name"]))
        except NotFoundError:
            pass

    def round(self, expect: Mapping[str, Any]) -> list[str]:
        """Run one round and return what differs from what is expected."""
        self.clock.waits.clear()
        calls_before = len(self.recorder.reads)
        bucket = FakeBucket(self.clock, self.given.get("limiterExhausted", ()))
        reader = RetryingReader(self.recorder, Retry(self.clock, self.random))
        ports = RoundPorts(
            reader=self.faults,
            references=References(self.faults),
            source=SequentialSource(reader),
            bucket=bucket,
            now=self.clock.instant,
            template_environment=template_environments(self.random, self.clock),
            environment=self.given.get("env", {}),
            is_stale=lambda name: name in self.given.get("staleClients", ()),
        )
        before = self.cluster.get(ExternalSecret, self.namespace, self.name).status
        external = self.cluster.get(ExternalSecret, self.namespace, self.name)
        plan = Rounds(ports, self.settings).run(external, Executor(self.faults, self.faults))
        calls = list(self.recorder.reads[calls_before:])
        return list(self._problems(expect, plan, calls, bucket, before))

    def _problems(self, expect: Mapping[str, Any], plan: Plan, calls: list[SecretRead], bucket: FakeBucket, before: Any) -> Iterator[str]:
        if "decision" in expect and plan.decision != expect["decision"]:
            yield f"decision: wanted {expect['decision']}, got {plan.decision} ({plan.reason})"
        result = "error" if isinstance(plan.outcome, RetryOutcome) else "ok"
        if result != expect.get("result", "ok"):
            yield f"result: wanted {expect.get('result', 'ok')}, got {result}"
        if "secret" in expect:
            yield from self._secret_problems(expect["secret"])
        yield from self._status_problems(expect, before)
        yield from _call_problems(expect, calls)
        if "waits" in expect:
            yield from _wait_problems(expect["waits"], self.clock.waits)
        for provider, tokens in expect.get("limiterTokens", {}).items():
            if bucket.tokens[provider] != tokens:
                yield f"limiterTokens.{provider}: wanted {tokens}, got {bucket.tokens[provider]}"
        if "requeue" in expect and (got := _requeue(plan)) != expect["requeue"]:
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


def _requeue(plan: Plan) -> str:
    if isinstance(plan.outcome, RetryOutcome):
        return "backoff"
    if isinstance(plan.outcome, RetryAfter):
        return f"{plan.outcome.delay.total_seconds():g}s"
    assert isinstance(plan.outcome, Done)
    after = plan.outcome.again_after
    return "none" if after is None else f"{after.total_seconds():g}s"


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
                if item.key == entry.get("key", "") and item.status == entry["status"] and all(part in item.reason for part in reasons)
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
    request = read.request
    if request.provider is Provider.OOS:
        return {"api": "oos.GetSecretParameter", "params": {"Name": request.key, "WithDecryption": True}}
    params: dict[str, Any] = {"SecretName": request.key}
    if request.version_stage:
        params["VersionStage"] = request.version_stage
    if request.version_id:
        params["VersionId"] = request.version_id
    return {"api": "kms.GetSecretValue", "params": params}


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
