"""URLs and semantic versions are accepted, refused and compared as Go's libraries do."""

import pytest

from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.funcs.versions import Version, changed, parse_version
from kubectl_asm.gotemplate.values import GoMap


def test_url_is_taken_apart(call):
    parts = call("urlParse", "HTTPS://u%40x:p@[fe80::1%25e0]:80/a%20b?q=%zz#f%41")
    assert parts == {
        "scheme": "https",
        "host": "[fe80::1%e0]:80",
        "hostname": "fe80::1%e0",
        "path": "/a b",
        "query": "q=%zz",
        "opaque": "",
        "fragment": "fA",
        "userinfo": "u%40x:p",
    }
    assert call("urlParse", "mailto:a@b")["opaque"] == "a@b"
    assert call("urlParse", "postgres://a:1,b:2/db")["hostname"] == "a:1,b"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (":x", "missing protocol scheme"),
        ("a b:c", "first path segment in URL cannot contain colon"),
        ("http://h:x", 'invalid port ":x" after host'),
        ("http://[::1", "missing ']' in host"),
        ("http://a[b]", "invalid IP-literal"),
        ("http://[1.2.3.4]", "invalid IP-literal"),
        ("http://h/%zz", 'invalid URL escape "%zz"'),
        ("http://a b/", 'invalid character " " in host name'),
        ("http://u p@h", "net/url: invalid userinfo"),
        ("a\n", "net/url: invalid control character in URL"),
    ],
)
def test_bad_url_is_an_error(call, url, reason):
    with pytest.raises(FunctionError) as failure:
        call("urlParse", url)
    assert failure.value.text.startswith("unable to parse url: parse ")
    assert failure.value.text.endswith(reason)


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        (
            {"scheme": "http", "host": "h:80", "path": "/p q", "query": "a=b", "fragment": "f", "userinfo": "u:p"},
            "http://u:p@h:80/p%20q?a=b#f",
        ),
        ({"host": "h", "path": "p"}, "//h/p"),
        ({"path": "a:b"}, "./a:b"),
        ({"scheme": "mailto", "opaque": "a@b"}, "mailto:a@b"),
        ({"path": "*"}, "*"),
        ({}, ""),
    ],
)
def test_url_is_put_together(call, parts, url):
    assert call("urlJoin", GoMap(parts)) == url


def test_url_part_that_is_no_text_is_an_error(call):
    with pytest.raises(FunctionError, match="unable to parse path key, must be of type string, but int found"):
        call("urlJoin", GoMap({"path": 1}))


@pytest.mark.parametrize(
    ("constraint", "version", "holds"),
    [
        ("1.2.3", "v1.2.3", True), ("=1.2", "1.2.9", True), ("!=1.2", "1.3.0", True), ("!=1.2", "1.2.5", False),
        (">1.2", "1.2.9", False), (">=1.2", "1.2.0", True),
        ("<2", "1.9.9", True), ("<=2", "2.9.9", True), ("=>1", "1.0.0", True),
        ("~1.2", "1.2.9", True), ("~>1", "1.9.0", True), ("^0.2", "0.3.0", False), ("^0.0.3", "0.0.3", True),
        ("^1.2", "2.0.0", False),
        ("1.2 - 2", "2.5.0", True), (">1, <3", "2.0.0", True), ("<1 || >2", "1.5.0", False), ("*", "9.9.9", True),
        ("1.x", "1.0.0-a", False),
        (">=1.0.0-0", "1.0.0-alpha", True), ("1.0.0-rc.2", "1.0.0-rc.2", True), (">1.0.0-rc.2", "1.0.0-rc.11", True),
    ],
)  # fmt: skip
def test_constraint_decides(call, constraint, version, holds):
    assert call("semverCompare", constraint, version) is holds


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("x y", "1"), "improper constraint: x y"), (("", "1"), "improper constraint: "), (("1", "x"), "Invalid Semantic Version")],
)
def test_bad_constraint_or_version_is_an_error(call, arguments, text):
    with pytest.raises(FunctionError) as failure:
        call("semverCompare", *arguments)
    assert failure.value.text == text


def test_long_constraint_is_refused_in_linear_time(call):
    with pytest.raises(FunctionError, match="improper constraint"):
        call("semverCompare", "1" + "   1" * 2000 + " !", "1.0.0")


def test_version_keeps_its_parts_and_its_original_text(call):
    version = call("semver", "v1.2-rc.1+b")
    assert version == Version(1, 2, 0, "rc.1", "b", "v1.2-rc.1+b")
    assert version.go_string() == "1.2.0-rc.1+b"
    assert changed(version, minor=3, prerelease="").original == "v1.3.0+b"
    with pytest.raises(FunctionError, match="Version segment starts with 0"):
        call("semver", "1.0.0-01")


def test_pre_release_order_is_that_of_the_standard():
    order = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ]
    versions = [parse_version(text) for text in order]
    for place, version in enumerate(versions):
        assert [version.compare(other) for other in versions] == [(place > at) - (place < at) for at in range(len(order))]
