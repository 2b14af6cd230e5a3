"""Forms of the pages that are no plain model form."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from scoring.calibration import thresholds
from scoring.models import Criterion, ModelAnswer, Question
from scoring.models.exams import number

NEW_LINE_INSIDE = "⏎"
MOST_DEFINITION_BYTES = 20 * 1024 * 1024


class FileField(forms.FileField):
    """A file to choose, small enough."""

    widget = theme.FileInput

    def __init__(self, *, most: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The file, or a fault where it is too large."""
        file = super().clean(data, initial)
        if file and self.most is not None and file.size > self.most:
            raise forms.ValidationError(
                _("The file is larger than %(most)d bytes."), params={"most": self.most}
            )
        return file


class DefinitionForm(forms.Form):
    """An exam definition to load."""

    file = FileField(
        label=capfirst(_("definition")),
        most=MOST_DEFINITION_BYTES,
        help_text=_("JSON or YAML, as the export writes it."),
        widget=theme.FileInput(attrs={"accept": ".json,.yaml,.yml"}),
    )
    force = forms.BooleanField(
        label=capfirst(_("Load it even where people have marked under the old criteria")),
        required=False,
        widget=theme.Checkbox,
        help_text=_("Their marks are kept; the answers are scored anew under the new criteria."),
    )


class ThresholdForm(forms.Form):
    """The agreement that machine marks must reach, or the confidence from which they stand."""

    target = forms.FloatField(
        label=capfirst(_("agreement that the machine's marks must reach")),
        min_value=thresholds.LEAST_TARGET,
        max_value=thresholds.MOST_TARGET,
        required=False,
        widget=theme.NumberInput(attrs={"step": "any"}),
        help_text=_("As 0.95: of the answers that the machine settles, as many as that agree."),
    )
    value = forms.FloatField(
        label=capfirst(_("or a confidence of your own")),
        min_value=0.01,
        max_value=1.0,
        required=False,
        widget=theme.NumberInput(attrs={"step": "any"}),
    )


class AnswersForm(forms.Form):
    """A file of answers to upload."""

    file = FileField(
        label=capfirst(_("answers")),
        help_text=_(
            "CSV or XLSX with the columns candidate, question, text and optionally attempt;"
            " JSONL with the same keys; or a ZIP of candidate_question.txt, .docx or .pdf."
        ),
        widget=theme.FileInput(attrs={"accept": ".csv,.xlsx,.jsonl,.ndjson,.zip"}),
    )


class ExactText(forms.CharField):
    """A text whose spaces stay, with line breaks as a definition writes them.

    Browsers send CR LF for every line break; stored so, each save would change the definition.
    """

    widget = theme.Textarea

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(strip=False, widget=theme.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: Any) -> str:
        """With LF for line breaks."""
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n")


class Lines(forms.CharField):
    """A list of texts, one a line; a line break inside of a text shows as ⏎."""

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(strip=False, widget=theme.Textarea(attrs={"rows": rows}), **options)

    def prepare_value(self, value: Any) -> Any:
        """The list as lines; what was typed stays as it is."""
        if not isinstance(value, list):
            return value
        return "\n".join(str(one).replace("\n", NEW_LINE_INSIDE) for one in value)

    def to_python(self, value: Any) -> Any:
        """The lines that are not empty."""
        if isinstance(value, list):
            return value
        lines = (value or "").replace("\r\n", "\n").split("\n")
        return [line.replace(NEW_LINE_INSIDE, "\n") for line in lines if line.strip()]

    def validate(self, value: Any) -> None:
        """Nothing: the definition's own rules say what is wrong."""

    def run_validators(self, value: Any) -> None:
        """Of each line."""
        for line in value:
            super().run_validators(line)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another list was typed."""
        return bool(self.to_python(data) != (initial or []))


class SectionLines(Lines):
    """The sections of an essay, one a line: label | at least | at most."""

    def prepare_value(self, value: Any) -> Any:
        """Each section as a line."""
        if not isinstance(value, list):
            return value
        return "\n".join(map(self._line, value))

    def _line(self, section: dict[str, Any]) -> str:
        bounds = [section["limits"].get(name) for name in ("min", "max")]
        return " | ".join([section["label"], *("" if b is None else str(b) for b in bounds)])

    def to_python(self, value: Any) -> Any:
        """The sections."""
        return [self._section(line) for line in super().to_python(value)]

    def _section(self, line: Any) -> dict[str, Any]:
        if isinstance(line, dict):
            return line
        cells = [cell.strip() for cell in line.replace("｜", "|").split("|")]
        label, least, most = [*cells, "", ""][:3]
        if len(cells) > 3 or not all(one == "" or one.isdecimal() for one in (least, most)):
            raise forms.ValidationError(
                _("“%(line)s” is not: label | at least | at most"), params={"line": line}
            )
        return {"label": label, "limits": {"min": _whole(least), "max": _whole(most)}}

    def run_validators(self, value: Any) -> None:
        """None: the definition's own rules say what is wrong."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other sections were typed."""
        try:
            return super().has_changed(initial, data)
        except forms.ValidationError:
            return True


def _whole(text: str) -> int | None:
    return int(text) if text else None


class Step(forms.TypedChoiceField):
    """1 or 0.5, however the database writes it."""

    def __init__(self, **options: Any) -> None:
        choices = [("1", "1"), ("0.5", "0.5")]
        super().__init__(choices=choices, coerce=Decimal, widget=theme.Select, **options)

    def prepare_value(self, value: Any) -> Any:
        """As one of the choices."""
        return str(number(value)) if isinstance(value, Decimal) else value


class QuestionForm(theme.ModelForm):
    """A question; `faults` are those that the definition's rules found in what was sent."""

    faults: tuple[str, ...] = ()
    prompt = ExactText(label=capfirst(_("prompt")), rows=3)
    passage = ExactText(label=capfirst(_("passage")), rows=8, required=False)
    step = Step(label=capfirst(_("step")))
    sections = SectionLines(
        label=capfirst(_("sections")),
        rows=3,
        help_text=_("For essays, one section a line: label | at least | at most"),
    )
    ranks = Lines(
        label=capfirst(_("viewpoints ranked A-D")),
        rows=3,
        help_text=_("For essays, one viewpoint a line."),
    )
    force = forms.BooleanField(
        label=capfirst(_("Change it even where people have marked under the old criteria")),
        required=False,
        widget=theme.Checkbox,
        help_text=_("Their marks are kept; the answers are scored anew under the new criteria."),
    )

    class Meta:
        model = Question
        exclude = ("digest",)

    def clean(self) -> dict[str, Any] | None:
        """Where the rules refused what was sent, the page shows it again with the reasons."""
        found = super().clean()
        for told in self.faults:
            self.add_error(None, told)
        return found


class CriterionForm(theme.ModelForm):
    """A criterion, with its references and keywords as lines."""

    references = Lines(
        label=capfirst(_("references")), help_text=_("One wording that earns it a line.")
    )
    keywords = Lines(label=capfirst(_("keywords")), rows=2, help_text=_("One a line."))

    class Meta:
        model = Criterion
        fields = ("position", "code", "label", "points", "references", "keywords")


class ModelAnswerForm(theme.ModelForm):
    """A model answer, exactly as it is."""

    text = ExactText(label=capfirst(_("text")), rows=2)

    class Meta:
        model = ModelAnswer
        fields = ("text",)


class TokenForm(forms.Form):
    """A token to issue; the admin says for whom one may be."""

    user: Any = forms.ModelChoiceField(
        label=capfirst(_("user")), queryset=None, widget=theme.Select
    )
    name = forms.CharField(
        label=capfirst(_("name")),
        max_length=100,
        required=False,
        widget=theme.TextInput,
        help_text=_("What will use it, for instance the name of the client system."),
    )
    days = forms.IntegerField(
        label=capfirst(_("days until it expires")),
        min_value=1,
        max_value=3650,
        initial=90,
        widget=theme.NumberInput,
    )
