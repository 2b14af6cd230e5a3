"""The form of an exam, which asks again before answers are deleted or marks by people put aside."""

from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from scoring.admin.forms import Lines
from scoring.exams import definitions, retention
from scoring.models import Exam

MOST_PHRASES, LONGEST_PHRASE = 200, 100
"""Bounds of `no_answers`, as in the contract."""


class ExamForm(theme.ModelForm):
    """An exam; `deletes` is shown only after a date that is past or within a week.

    `force` is shown only after other phrases than those under which people have marked.
    """

    deletes = forms.IntegerField(
        label=capfirst(_("number of answers that are deleted")),
        required=False,
        min_value=0,
        widget=theme.NumberInput(attrs={"autocomplete": "off"}),
        help_text=_("Type their number to confirm the date above."),
    )
    no_answers = Lines(
        label=capfirst(_("further phrases that answer nothing")),
        rows=3,
        help_text=_(
            "One per line. An answer that is nothing else has no points, as “no answer” has."
        ),
        validators=[MaxLengthValidator(LONGEST_PHRASE)],
    )
    force = forms.BooleanField(
        label=capfirst(_("Change it even if people have marked under the old criteria")),
        required=False,
        widget=theme.Checkbox,
        help_text=_("Their marks are kept; the answers are scored again under the new criteria."),
    )

    class Meta:
        model = Exam
        fields = "__all__"

    def clean_no_answers(self) -> list[str]:
        """Each phrase once, and no more than a definition may have."""
        phrases = list(dict.fromkeys(self.cleaned_data["no_answers"]))
        if len(phrases) > MOST_PHRASES:
            raise forms.ValidationError(
                _("At most %(most)d phrases are expected."), params={"most": MOST_PHRASES}
            )
        return phrases

    def clean(self) -> dict[str, Any] | None:
        """Ask for the number of answers that a near date deletes, and whether to force a change."""
        cleaned = super().clean()
        phrases = self.cleaned_data.get("no_answers", self.instance.no_answers)
        if not self.cleaned_data.get("force") and puts_marks_aside(self.instance, phrases):
            self.add_error("force", definitions.old_criteria_message(self.instance.code))
        on, typed = self.cleaned_data.get("delete_answers_on"), self.cleaned_data.get("deletes")
        if self.instance.pk and "delete_answers_on" in self.changed_data:
            # The instance is the row as it was read: the form writes into it only after this.
            try:
                retention.confirm(self.instance, on, typed)
            except retention.DeletesSoon as error:
                self.add_error("deletes", str(error))
        return cleaned


def puts_marks_aside(exam: Exam, phrases: list[str]) -> bool:
    """Whether these are other phrases than those under which people have marked answers."""
    changes = exam.pk is not None and phrases != exam.no_answers
    return changes and definitions.marked_by_people(exam.questions.all())


def asks_to_force(request: HttpRequest, exam: Exam | None) -> bool:
    """Whether phrases were sent for which the form has the field `force`."""
    sent = request.POST.get("no_answers")
    return exam is not None and sent is not None and puts_marks_aside(exam, Lines().to_python(sent))


def asks_what_it_deletes(request: HttpRequest, exam: Exam | None) -> bool:
    """Whether the date that was sent is so near that the form has the field `deletes`."""
    sent = request.POST.get("delete_answers_on", "")
    if exam is None or not sent:
        return False
    try:
        retention.confirm(exam, forms.DateField().to_python(sent), None)
    except forms.ValidationError:
        return False
    except retention.DeletesSoon:
        return True
    return False
