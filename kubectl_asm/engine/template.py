"""The template phase: from the raw data map to Secret data, labels and annotations. Pure but for its Environment.

Each value is a template of its own named "", gets its own copy of the data and its own budget.
Source: spec/templates.md 1, 2, 4, 5, 7.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from kubectl_asm.engine import template_errors
from kubectl_asm.engine.entries import Keys
from kubectl_asm.engine.lookups import Found, Lookup, Missing
from kubectl_asm.gotemplate import Environment, TemplateError, TemplateSyntaxError, parse
from kubectl_asm.gotemplate.values import raw, runes, text_of
from kubectl_asm.model.externalsecret import Template, TemplateFrom, TemplateItem, TemplateSource
from kubectl_asm.model.objects import MANAGED_KEYS_ANNOTATION, ConfigMap, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings

SECRET_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_META_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_META_PREFIX = re.compile(r"[A-Za-z0-9](?:[-.A-Za-z0-9]{0,251}[A-Za-z0-9])?", re.ASCII)
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LITERAL_KEY: Final = "literal"
_GO_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

DATA, ANNOTATIONS, LABELS = "Data", "Annotations", "Labels"


class Rendered(msgspec.Struct, frozen=True):
    """Result of the phase. fatal: nothing may be written; warnings: keys that are missing; dropped: refused keys."""

    data: Keys = msgspec.field(default_factory=dict)
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    fatal: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    produced: tuple[str, ...] = ()

    @property
    def fatal_text(self) -> str:
        """The status reason of a fatal phase."""
        return f"fatal template processing errors: {'; '.join(self.fatal)}"

    @property
    def warning_text(self) -> str:
        """The status reason of a phase with warnings."""
        return f"template processing completed with warnings: {'; '.join(self.warnings)}"


class TemplateSources(msgspec.Struct, frozen=True):
    """Objects that templateFrom names, already looked up in the ExternalSecret's namespace."""

    config_maps: Mapping[str, Lookup[ConfigMap]] = msgspec.field(default_factory=dict)
    secrets: Mapping[str, Lookup[Secret]] = msgspec.field(default_factory=dict)


class _SourceError(Exception):
    """A templateFrom element cannot be used."""


class _Phase:
    def __init__(
        self,
        template: Template,
        raw_data: Keys,
        sources: TemplateSources,
        settings: Settings,
        environment: Callable[[], Environment],
    ) -> None:
        self._template = template
        self._raw = raw_data
        self._dot = {key: value.reveal() for key, value in raw_data.items()}
        self._sources = sources
        self._settings = settings
        self._environment = environment
        self._fatal: list[str] = []
        self._warnings: list[str] = []
        self._dropped: list[str] = []
        self._labels: dict[str, str] = {}
        self._annotations: dict[str, str] = {}

    def run(self) -> Rendered:
        """Run the steps of spec/templates.md 1 in order."""
        inline = self._inline_data()
        from_sources = self._template_from()
        data = {**self._surviving_raw(from_sources is not None), **inline}
        produced = set(inline)
        if from_sources is not None:
            produced.update(self._overlay(data, from_sources))
        if produced:
            self._annotations[MANAGED_KEYS_ANNOTATION] = ",".join(sorted(produced))
        metadata = self._template.metadata
        self._metadata(metadata.labels, self._labels, "label")
        self._metadata(metadata.annotations, self._annotations, "annotation")
        if self._fatal:
            return Rendered(fatal=tuple(self._fatal), warnings=tuple(self._warnings))
        return Rendered(
            data, self._labels, self._annotations, (), tuple(self._warnings), tuple(self._dropped), tuple(sorted(produced))
        )

    @property
    def _merges(self) -> bool:
        return self._template.merge_policy == "Merge"

    def _render(self, text: str) -> bytes:
        template = parse(text, profile=self._settings.template_functions)
        return template.execute(self._dot, self._environment())

    def _inline_data(self) -> Keys:
        result: Keys = {}
        for key, text in self._template.data.items():
            try:
                value = self._render(text)
            except TemplateSyntaxError as error:
                self._fatal.append(f"data template {key} parse failed: failed to parse template: {error}")
            except TemplateError as error:
                text = self._told(error, text)
                self._warnings.append(f"data template {key} execution failed: template execution failed: {text}")
            else:
                if self._settings.drop_invalid_template_keys and not is_secret_key(key):
                    self._dropped.append(f"template.data key {key!r} is no Secret key")
                else:
                    result[key] = SecretBytes(value)
        return result

    def _surviving_raw(self, sources_ok: bool) -> Keys:
        """Which raw data stays (spec/templates.md 1.1)."""
        if self._merges:
            return dict(self._raw)
        if self._template.data:
            return {}
        if sources_ok and any(element.target in ("", DATA) for element in self._template.template_from):
            return {}
        return dict(self._raw)

    def _template_from(self) -> dict[str, dict[str, bytes]] | None:
        """Return key to text by target, None when any element failed (each failure is fatal)."""
        result: dict[str, dict[str, bytes]] = {DATA: {}, ANNOTATIONS: {}, LABELS: {}}
        for element in self._template.template_from:
            target = result.setdefault(element.target or DATA, {})
            try:
                for key, value in self._element(element):
                    target[key] = value
            except _SourceError as error:
                self._fatal.append(f"TemplateFrom processing failed: {error}")
                return None
        return result

    def _element(self, element: TemplateFrom) -> Iterator[tuple[str, bytes]]:
        if element.config_map is not None:
            found = self._sources.config_maps.get(element.config_map.name, Missing())
            yield from self._items(element.config_map, found, "ConfigMap")
        elif element.secret is not None:
            yield from self._items(element.secret, self._sources.secrets.get(element.secret.name, Missing()), "Secret")
        elif element.literal is not None:
            yield _LITERAL_KEY, self._source_text(element.literal, "literal")

    def _items(self, source: TemplateSource, found: Lookup[ConfigMap] | Lookup[Secret], kind: str) -> Iterator[tuple[str, bytes]]:
        if not isinstance(found, Found):
            raise _SourceError(f"failed to get {kind} {source.name}")
        for item in source.items:
            text = _item_text(found.obj, item.key)
            if text is None:
                raise _SourceError(f"key {item.key} not found in {kind} {source.name}")
            is_secret = isinstance(found.obj, Secret)
            rendered = self._source_text(text, f"{kind} {source.name} key {item.key}", is_secret=is_secret)
            yield from _split(item, rendered)

    def _source_text(self, text: str, what: str, *, is_secret: bool = False) -> bytes:
        try:
            return self._render(text)
        except TemplateError as error:
            stage = "failed to parse template" if isinstance(error, TemplateSyntaxError) else "template execution failed"
            told = template_errors.place_only(error) if is_secret else self._told(error, text)
            raise _SourceError(f"{what}: {stage}: {told}") from None

    def _told(self, error: TemplateError, source: str) -> str:
        return template_errors.shown(error, source, self._dot.values())

    def _overlay(self, data: Keys, from_sources: Mapping[str, Mapping[str, bytes]]) -> set[str]:
        produced = set()
        for key, value in from_sources[DATA].items():
            if is_template_data_key(key):
                data[key] = SecretBytes(value)
                produced.add(key)
            else:
                self._dropped.append(f"templateFrom key {key!r} is no Secret key")
        for target, result in ((ANNOTATIONS, self._annotations), (LABELS, self._labels)):
            for key, value in from_sources[target].items():
                self._put_metadata(result, key, value, target == ANNOTATIONS)
        return produced

    def _metadata(self, templates: Mapping[str, str], result: dict[str, str], word: str) -> None:
        for key, text in templates.items():
            try:
                value = self._render(text)
            except TemplateError as error:
                self._warnings.append(f"metadata {word} template {key} processing failed: {self._told(error, text)}")
            else:
                self._put_metadata(result, key, value, word == "annotation")

    def _put_metadata(self, result: dict[str, str], key: str, value: bytes, is_annotation: bool) -> None:
        if is_kept_metadata_key(key, is_annotation=is_annotation, settings=self._settings):
            result[key] = runes(text_of(value))  # JSON holds no other text, and Go writes the same
        else:
            self._dropped.append(
                f"{'annotation' if is_annotation else 'label'} key {key!r} is dropped by the controller's key rule"
            )


def render_template(
    template: Template, raw_data: Keys, sources: TemplateSources, settings: Settings, environment: Callable[[], Environment]
) -> Rendered:
    """Return the rendered target. environment: gives a fresh Environment (budget) for every template."""
    return _Phase(template, raw_data, sources, settings, environment).run()


def _item_text(obj: ConfigMap | Secret, key: str) -> str | None:
    if isinstance(obj, Secret):
        value = obj.data.get(key)
        return None if value is None else value.reveal_text()
    return obj.data.get(key)


def _split(item: TemplateItem, rendered: bytes) -> Iterator[tuple[str, bytes]]:
    if item.template_as != "KeysAndValues":
        yield item.key, rendered
        return
    for line in text_of(rendered).strip(_GO_SPACE).split("\n"):
        key, equals, value = line.strip(_GO_SPACE).partition("=")
        if equals and (name := key.strip(_GO_SPACE)):
            yield name, raw(value.strip(_GO_SPACE))


def is_secret_key(key: str) -> bool:
    """Return whether Kubernetes accepts a Secret data key."""
    return bool(SECRET_KEY.fullmatch(key)) and key != "." and not key.startswith("..")


def is_template_data_key(key: str) -> bool:
    """Return whether the controller accepts a data key that came from templateFrom (spec/templates.md 5)."""
    return bool(key) and all(
        char in "-_." or unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Nd" for char in key
    )


def is_metadata_key(key: str) -> bool:
    """Return whether the controller keeps a rendered label or annotation key (spec/templates.md 5)."""
    if len(key.encode("utf-8", "surrogateescape")) > 253:
        return False
    prefix, slash, name = key.partition("/")
    if not slash:
        return bool(_META_NAME.fullmatch(key))
    return bool(_META_PREFIX.fullmatch(prefix) and _META_NAME.fullmatch(name))


def is_kept_metadata_key(key: str, *, is_annotation: bool, settings: Settings) -> bool:
    """Return whether a key of template.metadata survives under these settings."""
    return is_metadata_key(key) or (is_annotation and settings.annotation_dns_names and is_dns_subdomain(key))


def is_dns_label(name: str) -> bool:
    """Return whether a text is a DNS-1123 label, such as the name of a namespace."""
    return len(name) <= 63 and "." not in name and bool(_DNS_SUBDOMAIN.fullmatch(name))


def is_dns_subdomain(key: str) -> bool:
    """Return whether a text is a DNS-1123 subdomain."""
    return len(key) <= 253 and bool(_DNS_SUBDOMAIN.fullmatch(key))
