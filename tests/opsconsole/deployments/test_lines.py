"""Lines of the balancer are read once each."""

from datetime import timedelta

from opsconsole.deployments.lines import Lines
from tests.opsconsole.engines.fake import Fake


def test_each_request_is_counted_once_though_many_are_of_one_moment() -> None:
    fake = Fake()
    lines = Lines(fake, fake.now)
    fake.serve(3, every=timedelta(0))
    assert len(lines.read()) == 3
    assert len(lines.read()) == 3
    fake.serve(2, every=timedelta(0))
    assert len(lines.read()) == 5
    fake.serve(4)
    assert len(lines.read()) == 9
    assert len(lines.read()) == 9
    fake.serve(1)
    assert len(lines.read()) == 10


def test_what_was_before_does_not_count() -> None:
    fake = Fake()
    fake.serve(5)
    assert Lines(fake, fake.now).read() == []
