"""Stopped and started again, the stack has all that it had."""

import time

from tests.stack import count
from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.kept import kept, upload
from tests.stack.stack import Stack


def test_marks_and_files_are_kept_over_down_and_up(stack: Stack, api: Api, told: Told) -> None:
    upload(api)
    count.wait_until_scored(stack)
    before = kept(stack)
    assert before[0][0][0] != "0"
    assert before[1] != ""
    began = time.monotonic()
    stack.down()
    down = time.monotonic() - began
    assert stack.containers(ended=True) == []
    up = stack.up()
    assert kept(stack) == before
    told(f"{before[0][0][0]} marks and the files kept; down {down:.0f} s, up {up:.0f} s")


def test_the_token_made_before_still_opens_the_door(api: Api) -> None:
    api.hand_in_all(20)


def test_answers_are_scored_again(stack: Stack) -> None:
    count.wait_until_scored(stack)
    count.assert_each_was_scored_once(stack)
