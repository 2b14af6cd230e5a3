"""docs/scaling.md says of policies and rules what is so."""

import re
from collections.abc import Iterator

import pytest

from opsconsole.environments import bounds
from opsconsole.models import ScalingPolicy
from opsconsole.scaling import clamps, policies
from opsconsole.scaling.checks import BASES
from opsconsole.scaling.decide import OLD
from opsconsole.scaling.shapes import Kind, Rule
from tests.opsconsole.scaling.test_worked_cases import wanted_by_cpu
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "scaling.md").read_text("utf-8")


def table(head: str) -> Iterator[list[str]]:
    """The cells of each row below the head."""
    _before, rows = TEXT.split(f"| {head} |", 1)
    for line in rows.split("\n\n", 1)[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_it_has_every_setting_with_its_default() -> None:
    row = ScalingPolicy()
    described = {cells[0].strip("`"): cells[1].strip("`") for cells in table("setting")}
    assert set(described) == set(policies.RULES) - {"dry_run"}
    for name, default in described.items():
        if name not in ("metrics", "up_rates", "down_rates"):
            assert default == str(getattr(row, name))


def test_it_has_the_rates_of_a_policy_that_names_none() -> None:
    described = {cells[0].strip("`"): cells[1] for cells in table("setting")}
    percent, count = policies.UP_RATES
    assert described["up_rates"] == (
        f"{percent['value']} % or {count['value']} replicas in {count['seconds']} s"
    )
    assert described["down_rates"] == "{value} % in {seconds} s".format(**policies.DOWN_RATES[0])


def test_it_has_the_most_of_each_service() -> None:
    assert "at most 20 of `web` and of `worker`, 8 of `inference`" in TEXT
    assert bounds.MOST == {"web": 20, "worker": 20, "inference": 8}


def test_it_has_every_kind_with_its_basis() -> None:
    described = {cells[0].strip("`"): set(cells[1].split(" or ")) for cells in table("kind")}
    assert described == {str(kind): {str(basis) for basis in BASES[kind]} for kind in Kind}


def test_it_has_every_rule_in_the_order_in_which_they_bound() -> None:
    described = [cells[0] for cells in table("rule")]
    names = [re.findall(r"`(\w+)`", cell) for cell in described]
    order = [bound.__name__.strip("_") for bound in clamps.ORDER]
    assert [name for row in names[2:] for name in _functions(row)] == order
    assert {name for row in names for name in row} == set(Rule) - {Rule.TOLERANCE, Rule.PAUSED}


def _functions(row: list[str]) -> list[str]:
    """One function has both directions of a window, and of a rate."""
    return list(dict.fromkeys(re.sub(r"^(up|down)_", "", name) for name in row))


@pytest.mark.parametrize("cells", list(table("#")), ids=lambda cells: cells[0])
def test_the_worked_cases_are_to_the_digit(cells: list[str]) -> None:
    _number, case, desired = cells
    found = re.fullmatch(r"\d+(?: replicas)?: ([\du– ]+), target (\d+)", case)
    assert found
    seen = [int(each) if each.isdigit() else each.replace("–", "-") for each in found[1].split()]
    assert case.startswith(str(len(seen)))
    assert wanted_by_cpu(seen, int(found[2])) == int(desired)


def test_it_says_when_a_sample_is_old() -> None:
    assert f"a sample older than {OLD.seconds} s" in TEXT
