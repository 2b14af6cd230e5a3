"""Removed with its volumes, the stack leaves nothing behind."""

from tests.stack.conftest import Told
from tests.stack.stack import Stack


def test_nothing_is_left(stack: Stack, told: Told) -> None:
    had = len(stack.leftovers())
    assert had > 20
    stack.down("--volumes")
    assert stack.leftovers() == []
    told(f"{had} containers, networks and volumes removed, none left")
