"""The deployments of the stack test on a Swarm of one node."""

from collections.abc import Iterator

import pytest

from tests.drills.swarm_site import ReceiverService, SwarmSite
from tests.drills.test_deployments import (
    KINDS,
    door,
    tag,
    test_a_new_version_comes_without_a_failed_request,
    test_a_version_that_fails_a_tenth_of_its_requests_is_taken_back,
    test_a_version_that_never_becomes_healthy_is_taken_back,
    test_a_version_that_takes_five_times_as_long_is_taken_back,
    test_a_version_whose_migration_fails_replaces_nothing,
    test_an_expired_login_of_the_registry_touches_nothing,
    test_the_release_before_comes_back_by_command,
)
from tests.stack import versions
from tests.stack.stack import free_prefix
from tests.stack.swarm import why_not

__all__ = [
    "door",
    "test_a_new_version_comes_without_a_failed_request",
    "test_a_version_that_fails_a_tenth_of_its_requests_is_taken_back",
    "test_a_version_that_never_becomes_healthy_is_taken_back",
    "test_a_version_that_takes_five_times_as_long_is_taken_back",
    "test_a_version_whose_migration_fails_replaces_nothing",
    "test_an_expired_login_of_the_registry_touches_nothing",
    "test_the_release_before_comes_back_by_command",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmSite]:
    """The same site, where the engine is a Swarm for as long as it runs."""
    if reason := why_not():
        pytest.skip(reason)
    for kind in KINDS:
        versions.build(kind, tag(kind))
    made = SwarmSite(tmp_path_factory.mktemp("swarm"), free_prefix())
    try:
        made.begin()
        yield made
    finally:
        made.down()
        versions.remove(*map(tag, KINDS))


@pytest.fixture(scope="module")
def receiver(site: SwarmSite) -> Iterator[ReceiverService]:
    """Is told of everything."""
    network = f"{site.project}_ops"
    with ReceiverService("drills-receiver", network=network, image=site.app) as made:
        site.add_channel(made)
        yield made
