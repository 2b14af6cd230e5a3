"""docs/security.md: each claim names a test, and the test is there."""

import re

from tests.paths import ROOT

LINE = re.compile(r"^\| (?P<claim>[^|]+) \| `(?P<test>\w+)` in `(?P<file>[\w./]+)` \|$", re.M)
END = "## What to do about it"


def test_each_claim_of_the_threat_model_has_a_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8").partition(END)[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    claims = list(LINE.finditer(text))
    assert len(claims) == len(rows) > 10
    for claim in claims:
        source = (ROOT / claim["file"]).read_text("utf-8")
        assert f"def {claim['test']}(" in source, claim["claim"]
