"""The table holds every function of the library but three, the project's own, and says something about each."""

import importlib.util
from pathlib import Path

import pytest

from kubectl_asm.gotemplate.funcs import SEED_ONLY, function_table
from kubectl_asm.gotemplate.funcs.signature import VALUE, Purity
from kubectl_asm.gotemplate.values import zero

NAMES = """
    abbrev abbrevboth add add1 add1f addf adler32sum ago all any append atoi b32dec b32enc b64dec b64enc base bcrypt biggest
    buildCustomCert camelcase cat ceil chunk clean coalesce compact concat contains date dateInZone dateModify date_in_zone
    date_modify decryptAES deepCopy deepEqual default derivePassword dict dig dir div divf duration durationRound empty
    encryptAES env expandenv ext fail first float64 floor fromJson genCA genCAWithKey genPrivateKey genSelfSignedCert
    genSelfSignedCertWithKey genSignedCert genSignedCertWithKey get getHostByName has hasKey hasPrefix hasSuffix hello htmlDate
    htmlDateInZone htpasswd indent initial initials int int64 isAbs join kebabcase keys kindIs kindOf last list lower max maxf
    merge mergeOverwrite min minf mod mul mulf mustAppend mustChunk mustCompact mustDateModify mustDeepCopy mustFirst
    mustFromJson mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind mustRegexFindAll
    mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit mustRest mustReverse mustSlice mustToDate
    mustToJson mustToPrettyJson mustToRawJson mustUniq mustWithout must_date_modify nindent nospace now omit osBase osClean
    osDir osExt osIsAbs pick pluck plural prepend push quote randAlpha randAlphaNum randAscii randBytes randInt randNumeric
    regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit repeat replace rest
    reverse round semver semverCompare seq set sha1sum sha256sum sha512sum shuffle slice snakecase sortAlpha split splitList
    splitn squote sub subf substr swapcase ternary title toDate toDecimal toJson toPrettyJson toRawJson toString toStrings trim
    trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch unset until untilStep untitle
    upper urlJoin urlParse uuidv4 values without wrap wrapWith
"""
LIBRARY = NAMES.split()
UNDEFINED = {"env", "expandenv", "getHostByName"}
OWN = {"bcrypt", "htpasswd", "jsonPath", "mergeJson", "parseKeyValue", "toLines", "regexReplace", "b64decSafe"}
RANDOM = {
    "bcrypt", "htpasswd", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey", "genSelfSignedCert",
    "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "randAlpha", "randAlphaNum", "randAscii", "randBytes",
    "randInt", "randNumeric", "shuffle", "uuidv4",
}  # fmt: skip
TIME = {"ago", "date", "dateInZone", "date_in_zone", "durationRound", "htmlDate", "htmlDateInZone", "now"}
TYPES = {"string", "int", "int64", "uint32", "float64", "bool", "time.Time", "*semver.Version", "sprig.certificate", VALUE}


def test_every_library_function_is_defined_but_the_three_that_reach_outside():
    assert len(set(LIBRARY)) == 211
    assert set(LIBRARY) - set(function_table()) == UNDEFINED


def test_the_projects_functions_are_its_own():
    assert {name for name, function in function_table().items() if function.group == "custom"} == OWN


def test_functions_of_the_readme_exist_under_the_seed_profile_only():
    assert set(function_table()) - set(function_table("v0.6.7")) == SEED_ONLY


def test_purity_names_what_a_result_depends_on():
    found = {purity: {f.name for f in function_table().values() if f.purity is purity} for purity in Purity}
    assert found[Purity.RANDOM] == RANDOM
    assert found[Purity.TIME] == TIME
    assert found[Purity.ORDER] == {"keys", "values"}


@pytest.mark.parametrize("function", function_table().values(), ids=lambda function: function.name)
def test_row_is_complete(function):
    assert function.summary.endswith(".")
    assert function.source.startswith("spec/templates.md ")
    assert function.status in ("same", "differs")
    for go_type in (*function.params, function.result):
        assert go_type in TYPES or zero(go_type) is not None or go_type == "interface {}"
    assert function.params or not function.variadic


def test_page_of_functions_is_fresh():
    docs = Path(__file__).parents[4] / "docs"
    spec = importlib.util.spec_from_file_location("generate_functions", docs / "generate_functions.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert (docs / "reference" / "template-functions.md").read_text(encoding="utf-8") == generator.page()
