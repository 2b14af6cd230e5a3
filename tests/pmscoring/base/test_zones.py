"""Zones by name, and local times that clocks skip or show twice."""

import zoneinfo
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from pmscoring.base import zones

BERLIN = zones.zone("Europe/Berlin")


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd", "Asia", "a\0"]
)
def test_an_unknown_zone_is_refused_by_its_name(name: str) -> None:
    with translation.override("en"), pytest.raises(ValidationError) as refused:
        zones.check(name)
    assert refused.value.messages == [f"{name} is not a time zone such as Asia/Tokyo."]


def test_places_and_utc_are_offered() -> None:
    assert {"Asia/Tokyo", "Europe/Berlin", "UTC"} <= set(zones.names())
    assert not any(name.startswith("Etc/") for name in zones.names())


def test_the_zones_are_there_on_a_system_without_any() -> None:
    zoneinfo.reset_tzpath(to=[])
    try:
        tokyo = zoneinfo.ZoneInfo.no_cache("Asia/Tokyo")
    finally:
        zoneinfo.reset_tzpath()
    assert datetime(2027, 4, 1, tzinfo=tokyo).tzname() == "JST"


def test_a_local_time_is_a_moment() -> None:
    typed = datetime(2027, 4, 1, 9, 0)
    assert zones.moment(typed, zones.zone("Asia/Tokyo")) == datetime(2027, 4, 1, tzinfo=UTC)
    assert not zones.occurs_twice(typed, BERLIN)


def test_a_time_that_clocks_skip_is_refused_with_what_they_show() -> None:
    with (
        translation.override("en"),
        pytest.raises(zones.Skipped, match=r"Berlin skip 02:30 on 2027-03-28: they show 03:30"),
    ):
        zones.moment(datetime(2027, 3, 28, 2, 30), BERLIN)
    with pytest.raises(zones.Skipped):
        zones.moment(datetime(2027, 3, 28, 2, 30), BERLIN, later=True)


def test_of_a_time_that_clocks_show_twice_either_can_be_had() -> None:
    typed = datetime(2027, 10, 31, 2, 30)
    assert zones.occurs_twice(typed, BERLIN)
    assert zones.moment(typed, BERLIN) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert zones.moment(typed, BERLIN, later=True) == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
