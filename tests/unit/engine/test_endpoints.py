"""Hosts: which one, who chose it, and which are refused (endpoints.md)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.engine.endpoints import ca_for, is_allowed_host, is_dedicated, resolve_endpoint, sts_host, with_present_ca
from kubectl_asm.model.backend import ErrorClass, Provider
from kubectl_asm.model.externalsecret import DataSource
from tests.unit.engine.worlds import settings

DEDICATED = "kst-1.cryptoservice.kms.aliyuncs.com"
LABEL = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=63)


@given(LABEL)
def test_the_three_families_are_allowed_with_any_label(label):
    for host in (f"{label}.cryptoservice.kms.aliyuncs.com", f"kms-vpc.{label}.aliyuncs.com", f"kms.{label}.aliyuncs.com"):
        assert is_allowed_host(host)


@given(LABEL, st.sampled_from(["\n", ".", ":443", "/", "@x", "?a", " ", "\x00", "é"]), st.booleans())
def test_nothing_may_be_added_on_either_side(label, extra, before):
    host = f"kms.{label}.aliyuncs.com"
    assert not is_allowed_host(extra + host if before else host + extra)


@given(st.text(max_size=30))
def test_a_label_holds_nothing_but_lower_case_letters_digits_and_hyphens(label):
    is_label = bool(label) and set(label) <= set(string.ascii_lowercase + string.digits + "-")
    assert is_allowed_host(f"kms.{label}.aliyuncs.com") == is_label


@pytest.mark.parametrize(
    "host",
    [
        "kms..aliyuncs.com", "kms-vpc..aliyuncs.com", "https://kms.cn-hangzhou.aliyuncs.com", "KMS.cn-hangzhou.aliyuncs.com",
        "evil.aliyuncs.com", "ecs.cn-hangzhou.aliyuncs.com", "kms-vpc.evil.com", "x.cryptoservice.kms.evil.com",
        "a.b.cryptoservice.kms.aliyuncs.com", "169.254.169.254", "100.100.100.200", "localhost", "::1",
        "kms-intl.ap-southeast-1.aliyuncs.com", "kms.aliyuncs.com", "xkms.cn-hangzhou.aliyuncs.com",
        "kmsXcn-hangzhou.aliyuncs.com", "kms.cn-hangzhou.aliyuncsxcom",
    ],
)  # fmt: skip
def test_hosts_of_the_table_that_are_refused(host):
    where = resolve_endpoint(Provider.KMS, DataSource("k", kms_endpoint=host), settings())
    assert where.refusal.error_class is ErrorClass.ENDPOINT
    assert resolve_endpoint(Provider.KMS, DataSource("k", kms_endpoint=host), settings(endpoint_policy="permissive")).host == host


def test_entry_then_flag_then_region():
    entry = DataSource("k", kms_endpoint=" kms.cn-beijing.aliyuncs.com\t")
    flag = settings(kms_endpoint=f" {DEDICATED} ")
    first = resolve_endpoint(Provider.KMS, entry, flag)
    assert (first.host, first.rule) == ("kms.cn-beijing.aliyuncs.com", "entry")
    blank = resolve_endpoint(Provider.KMS, DataSource("k", kms_endpoint="  "), flag)
    assert (blank.host, blank.rule) == (DEDICATED, "flag")
    default = resolve_endpoint(Provider.KMS, DataSource("k"), settings())
    assert (default.host, default.rule) == ("kms-vpc.cn-hangzhou.aliyuncs.com", "default")


def test_without_a_region_only_what_needs_it_has_a_gap():
    bare = settings(region="")
    assert "--region" in resolve_endpoint(Provider.KMS, DataSource("k"), bare).gap.reason
    assert "--region" in resolve_endpoint(Provider.OOS, DataSource("k"), bare).gap.reason
    assert resolve_endpoint(Provider.KMS, DataSource("k", kms_endpoint=DEDICATED), bare).gap is None


def test_oos_knows_neither_entry_nor_flag():
    where = resolve_endpoint(Provider.OOS, DataSource("k", kms_endpoint=DEDICATED), settings(kms_endpoint=DEDICATED))
    assert (where.host, where.rule) == ("oos-vpc.cn-hangzhou.aliyuncs.com", "oos")


def test_the_ca_is_for_dedicated_hosts_only():
    both = settings(kms_ca_file="/ca/all.pem", kms_ca_dir="/ca/")
    assert ca_for(DEDICATED, both) == "/ca/all.pem"
    assert ca_for(DEDICATED, settings(kms_ca_dir="/ca/")) == "/ca/cn-hangzhou.pem"
    assert ca_for("kms.cn-hangzhou.aliyuncs.com", both) == ""
    assert not is_dedicated(f"{DEDICATED}.test.local")
    assert not is_dedicated("cryptoservice.kms.aliyuncs.com")


def test_a_folder_without_the_region_means_the_system_store():
    folder = settings(kms_ca_dir="/ca")
    assert ca_for(DEDICATED, with_present_ca(folder, lambda path: path == "/ca/cn-hangzhou.pem")) == "/ca/cn-hangzhou.pem"
    assert ca_for(DEDICATED, with_present_ca(folder, lambda _path: False)) == ""
    assert with_present_ca(settings(kms_ca_file="/x"), lambda _path: False).kms_ca_file == "/x"


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({}, "sts-vpc.cn-hangzhou.aliyuncs.com"),
        ({"sts_network": "public"}, "sts.cn-hangzhou.aliyuncs.com"),
        ({"region": ""}, "sts.aliyuncs.com"),
        ({"region": "cn-hangzhou-finance"}, "sts-vpc.cn-hangzhou.aliyuncs.com"),
        ({"region": "cn-hangzhou-finance", "sts_network": "public"}, "sts.cn-hangzhou.aliyuncs.com"),
        ({"sts_endpoint": "sts.example"}, "sts.example"),
    ],
)
def test_sts_hosts(changes, host):
    assert sts_host(settings(**changes)) == host


def test_the_variable_names_the_sts_host_unless_a_flag_does():
    variables = {"ALIBABA_CLOUD_STS_ENDPOINT": "sts.eu-central-1.aliyuncs.com"}
    assert sts_host(settings(), variables) == "sts.eu-central-1.aliyuncs.com"
    assert sts_host(settings(sts_endpoint="sts.example"), variables) == "sts.example"
