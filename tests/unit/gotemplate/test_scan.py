"""The static scan finds every problem, with its place, before a template runs."""

from __future__ import annotations

import pytest

from kubectl_asm.gotemplate import Issue, IssueKind, analyse


def issues(text: str, kind: IssueKind, *keys: str, profile: str = "seed") -> list[Issue]:
    return [issue for issue in analyse(text, keys=keys, profile=profile).issues if issue.kind is kind]


def test_all_unknown_functions_are_reported_with_their_places() -> None:
    found = issues("{{ uper .a }}\n{{ .a | trimm }}", IssueKind.UNKNOWN_FUNCTION, "a")
    assert [(issue.subject, issue.hint) for issue in found] == [
        ("uper", 'did you mean "upper"?'),
        ("trimm", 'did you mean "trim"?'),
    ]
    place = found[1].place
    assert place is not None
    assert (place.line, place.column, place.end_column) == (2, 9, 14)


def test_functions_of_the_other_profile_are_unknown() -> None:
    text = '{{ b64decSafe "" }}'
    assert not issues(text, IssueKind.UNKNOWN_FUNCTION)
    assert issues(text, IssueKind.UNKNOWN_FUNCTION, profile="v0.6.7")


def test_syntax_error_has_a_place_in_characters() -> None:
    (issue,) = issues("é{{ .raw-data }}", IssueKind.SYNTAX)
    assert issue.place is not None
    assert (issue.place.line, issue.place.column) == (1, 5)
    assert issue.hint == 'write index . "raw-data"'


@pytest.mark.parametrize(
    "text",
    [
        "{{ .usr }}",
        "{{ $.usr }}",
        '{{ index . "usr" }}',
        '{{ get . "usr" }}',
        "{{ range .user }}{{ $.usr }}{{ end }}",
        "{{ with $ }}{{ .usr }}{{ end }}",
    ],
)
def test_missing_field_is_found_however_it_is_written(text: str) -> None:
    (issue,) = issues(text, IssueKind.MISSING_FIELD, "user")
    assert (issue.subject, issue.optional, issue.hint) == ("usr", False, 'did you mean "user"?')


@pytest.mark.parametrize(
    "text", ['{{ .x | default "d" }}', '{{ default "d" .x }}', "{{ if .x }}{{ .x }}{{ end }}", "{{ with .x }}{{ . }}{{ end }}"]
)
def test_a_missing_field_that_is_provided_for_is_optional(text: str) -> None:
    assert all(issue.optional for issue in issues(text, IssueKind.MISSING_FIELD, "y"))


def test_fields_of_other_values_are_not_keys_of_the_data() -> None:
    assert not issues(
        '{{ with fromJson .a }}{{ .b }}{{ end }}{{ range list 1 }}{{ .c }}{{ end }}{{ (dict "x" 1).x }}',
        IssueKind.MISSING_FIELD,
        "a",
    )


def test_fields_inside_definitions_count_when_the_data_is_passed_on() -> None:
    text = '{{ define "t" }}{{ .usr }}{{ end }}{{ template "t" %s }}'
    assert issues(text % ".", IssueKind.MISSING_FIELD, "user")
    assert not issues(text % ".user", IssueKind.MISSING_FIELD, "user")


def test_unused_keys_are_reported_unless_the_data_is_used_as_a_whole() -> None:
    assert [issue.subject for issue in issues("{{ .a }}", IssueKind.UNUSED_KEY, "a", "b")] == ["b"]
    assert not issues("{{ .a }}{{ toJson . }}", IssueKind.UNUSED_KEY, "a", "b")


def test_a_text_has_no_fields() -> None:
    (issue,) = issues("{{ .creds.username }}", IssueKind.FIELD_OF_TEXT, "creds")
    assert issue.hint == 'write (fromJson .creds).username or jsonPath .creds "username"'


def test_unknown_template_is_found() -> None:
    (issue,) = issues('{{ define "row" }}x{{ end }}{{ template "rwo" . }}', IssueKind.UNKNOWN_TEMPLATE)
    assert (issue.subject, issue.hint) == ("rwo", 'did you mean "row"?')


def test_nondeterministic_calls_are_found_inside_expressions() -> None:
    found = issues(
        '{{ .a | default (randAlpha 8) }}{{ upper (now | toString) }}{{ quote "now" }}', IssueKind.NONDETERMINISTIC, "a"
    )
    assert [issue.subject for issue in found] == ["randAlpha", "now"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ if true }}a{{ else }}b{{ end }}",
        '{{ if "" }}a{{ end }}',
        "{{ if 0 }}a{{ end }}",
        "{{ range .a }}{{ break }}b{{ end }}",
    ],
)
def test_branches_that_never_run_are_found(text: str) -> None:
    assert len(issues(text, IssueKind.UNREACHABLE, "a")) == 1
