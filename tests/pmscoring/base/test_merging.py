"""Three states of one form: nothing of what was typed is lost, nothing of what others saved."""

from typing import Any

import pytest
from django import forms

from pmscoring.base.admin import merging, parts
from pmscoring.base.admin.merging import FORM, Change, Rows
from pmscoring.base.admin.sent import untouched


def form(**values: str) -> Rows:
    return Rows({FORM: {"": {name: [value] for name, value in values.items()}}})


def rows(**by_key: str) -> dict[str, Any]:
    return {key: {"label": [label]} for key, label in by_key.items()}


@pytest.mark.parametrize(
    ("shown", "sent", "now", "merged", "told"),
    [
        ("a", "a", "a", "a", None),
        ("a", "b", "a", "b", None),
        ("a", "a", "c", "c", (["a"], ["c"], None)),
        ("a", "b", "c", "b", (["a"], ["c"], ["b"])),
        ("a", "c", "c", "c", (["a"], ["c"], None)),
    ],
)
def test_a_field(shown: str, sent: str, now: str, merged: str, told: Any) -> None:
    states = form(x=shown), form(x=sent), form(x=now)
    assert merging.merge(*states).sets[FORM][""] == {"x": [merged]}
    changes = merging.changes(*states)
    assert [(each.old, each.now, each.mine) for each in changes] == ([told] if told else [])


def test_a_box_that_others_cleared_is_cleared_unless_it_was_touched() -> None:
    shown, now = form(x="a", box="on"), form(x="a")
    assert merging.merge(shown, shown, now).sets[FORM][""] == {"x": ["a"]}
    assert merging.changes(shown, shown, now) == [Change(FORM, "", "box", ["on"], [])]


def test_rows_that_others_added_stay_and_those_they_removed_go_unless_typed_into() -> None:
    shown = Rows({"criteria": rows(a="A", b="B", c="C")})
    sent = Rows({"criteria": rows(a="A", b="B!", c="C")}, {"criteria": [{"label": ["new"]}]})
    now = Rows({"criteria": rows(a="A", d="D")})
    merged = merging.merge(shown, sent, now)
    assert merged.sets["criteria"] == rows(a="A", d="D")
    assert merged.new["criteria"] == [{"label": ["new"]}, {"label": ["B!"]}]
    told = {(change.key, change.now is None) for change in merging.changes(shown, sent, now)}
    assert told == {("b", True), ("c", True), ("d", False)}


class Widgets(forms.Form):
    text = forms.CharField(widget=forms.Textarea)
    at = forms.SplitDateTimeField()
    ticked = forms.BooleanField()
    left = forms.BooleanField()
    several = forms.MultipleChoiceField(choices=[("1", "1"), ("2", "2"), ("3", "3")])
    boxes = forms.MultipleChoiceField(
        choices=[("1", "1"), ("2", "2")], widget=forms.CheckboxSelectMultiple
    )
    one = forms.ChoiceField(choices=[("", "-"), ("x", "X")])
    file = forms.FileField()


def test_every_widget_is_read_as_a_browser_sends_it() -> None:
    initial = {
        "text": "\n<b>二行\r\n目</b>",
        "ticked": True,
        "several": ["1", "3"],
        "boxes": ["2"],
    }
    assert untouched(Widgets(initial=initial)) == {
        "text": ["\n<b>二行\n目</b>"],
        "at_0": [""],
        "at_1": [""],
        "ticked": ["on"],
        "several": ["1", "3"],
        "boxes": ["2"],
        "one": [""],
    }


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"at": 1, "sets": {}}', '{"at": "x"}'])
def test_what_no_page_wrote_is_not_compared(text: str) -> None:
    assert parts.read(text) is None


def test_a_page_s_writing_is_read_back() -> None:
    page = parts.read(parts.written(form(x="一")))
    assert page is not None
    assert page[1].sets == form(x="一").sets
