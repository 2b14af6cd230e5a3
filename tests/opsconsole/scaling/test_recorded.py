"""A sample is read as it was written."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.models import Environment, ScalingSample
from opsconsole.scaling.recorded import UNREADABLE, content_of, line_of, sample_in, sample_of
from opsconsole.scaling.shapes import Reading, Room, Sample, Seen
from tests.opsconsole.environments_made import environment as an_environment

AT = datetime(2026, 11, 29, 9, 0, 15, 123456, tzinfo=UTC)
numbers = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: math.copysign(1, number) > 0
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
counts = st.integers(0, 2**53)
replicas = st.builds(
    Seen,
    name=texts,
    ready=st.booleans(),
    age=st.none() | numbers,
    cpu=st.none() | numbers,
    throttled=st.none() | numbers,
    memory=st.none() | counts,
)
rooms = st.builds(
    Room,
    memory_free=st.none() | counts,
    memory_each=st.none() | counts,
    connections_free=st.none() | st.integers(-1000, 1000),
    connections_each=st.none() | counts,
    saturated=texts,
)
samples = st.builds(
    Sample,
    at=st.just(AT),
    service=st.just("web"),
    wanted=st.integers(0, 20),
    replicas=st.lists(replicas, max_size=4).map(tuple),
    readings=st.dictionaries(texts, st.builds(Reading, st.none() | numbers, texts), max_size=4),
    room=rooms,
    totals=st.dictionaries(texts, st.lists(numbers, max_size=5).map(tuple), max_size=4),
)


@settings(deadline=None)
@given(samples)
def test_it_comes_back_as_it_was(sample: Sample) -> None:
    row = ScalingSample(service="web", at=AT, content=content_of(sample))
    assert sample_of(row) == sample


@settings(deadline=None)
@given(samples)
def test_it_comes_back_from_a_file(sample: Sample) -> None:
    line = json.dumps(line_of("production", sample))
    assert sample_in(json.loads(line)) == ("production", sample)


@pytest.mark.parametrize(
    "changes", [{"at": "2026-04-01T09:00:00"}, {"at": None}, {"content": []}, {"content": {}}]
)
def test_a_line_that_is_no_sample_cannot_be_read(changes: Mapping[str, object]) -> None:
    line = line_of("production", Sample(AT, "web", 1))
    with pytest.raises(UNREADABLE):
        sample_in({**line, **changes})


@pytest.mark.django_db
def test_it_comes_back_from_the_database_too() -> None:
    environment = an_environment(seen={})

    @settings(max_examples=30, deadline=None)
    @given(samples)
    def written(sample: Sample) -> None:
        row = _written(environment, sample)
        assert sample_of(row) == sample

    written()


def _written(environment: Environment, sample: Sample) -> ScalingSample:
    row = ScalingSample.objects.create(
        environment=environment, service="web", at=AT, content=content_of(sample)
    )
    return ScalingSample.objects.get(pk=row.pk)


def test_what_a_later_version_has_written_besides_is_passed_over() -> None:
    content = {
        "wanted": 2,
        "replicas": [{"name": "web-1", "ready": True, "network": 1}],
        "readings": {"waiting": {"trouble": "away", "code": "away"}},
        "room": {"memory_free": 1024, "disk_free": 1},
        "gpu": {},
    }
    sample = sample_of(ScalingSample(service="web", at=AT, content=content))
    assert sample.replicas == (Seen("web-1", ready=True),)
    assert sample.readings == {"waiting": Reading(trouble="away")}
    assert sample.room == Room(memory_free=1024)


def test_what_is_not_known_is_left_out() -> None:
    sample = Sample(
        AT,
        "web",
        wanted=2,
        replicas=(Seen("web-1", ready=True, age=12.0), Seen("web-2", ready=False)),
        readings={"waiting": Reading(7.0), "requests": Reading(None, "HAProxy is away")},
        room=Room(memory_free=1024),
    )
    assert content_of(sample) == {
        "wanted": 2,
        "replicas": [
            {"name": "web-1", "ready": True, "age": 12.0},
            {"name": "web-2", "ready": False},
        ],
        "readings": {"waiting": 7.0, "requests": {"trouble": "HAProxy is away"}},
        "room": {"memory_free": 1024},
    }
