"""The form of an exam, which asks again where a date of deletion is near."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from scoring.exams import retention
from scoring.models import Exam


class ExamForm(theme.ModelForm):
    """An exam; `deletes` is shown only after a date that is past or within a week."""

    deletes = forms.IntegerField(
        label=capfirst(_("number of answers that are deleted")),
        required=False,
        min_value=0,
        widget=theme.NumberInput(attrs={"autocomplete": "off"}),
        help_text=_("Type their number to confirm the date above."),
    )

    class Meta:
        model = Exam
        fields = "__all__"

    def clean(self) -> dict[str, Any] | None:
        """Ask for the number of answers that a near date deletes."""
        cleaned = super().clean()
        on, typed = self.cleaned_data.get("delete_answers_on"), self.cleaned_data.get("deletes")
        if self.instance.pk and "delete_answers_on" in self.changed_data:
            # The instance is the row as it was read: the form writes into it only after this.
            try:
                retention.confirm(self.instance, on, typed)
            except retention.DeletesSoon as error:
                self.add_error("deletes", str(error))
        return cleaned


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
