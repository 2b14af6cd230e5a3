"""Forms of the admin that need fields of their own."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin import theme
from scoring import access, documents
from scoring.calibration import thresholds
from scoring.intake import mark_files
from scoring.models import Criterion, ModelAnswer, Question, Upload
from scoring.models.access import scope_choices
from scoring.models.exams import number

NEW_LINE_INSIDE = "⏎"
MOST_DEFINITION_BYTES = 20 * 1024 * 1024


class FileField(forms.FileField):
    """A file of at most `most` bytes."""

    widget = theme.FileInput

    def __init__(self, *, most: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def clean(self, data: Any, initial: Any = None) -> Any:
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
        help_text=_("A JSON or YAML file in the format of the export."),
        widget=theme.FileInput(attrs={"accept": ".json,.yaml,.yml"}),
    )
    force = forms.BooleanField(
        label=capfirst(_("Load it even if people have marked under the old criteria")),
        required=False,
        widget=theme.Checkbox,
        help_text=_("Their marks are kept; the answers are scored again under the new criteria."),
    )


class ThresholdForm(forms.Form):
    """A target agreement for which to propose a threshold, or the threshold itself."""

    target = forms.FloatField(
        label=capfirst(_("agreement that the machine's marks must reach")),
        min_value=thresholds.LEAST_TARGET,
        max_value=thresholds.MOST_TARGET,
        required=False,
        widget=theme.NumberInput(attrs={"step": "any"}),
        help_text=_(
            "0.95 means that 95 of 100 answers that the machine settles agree with people."
        ),
    )
    value = forms.FloatField(
        label=capfirst(_("or a confidence that you choose")),
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
            "CSV or XLSX with the columns candidate, question and text, or a column for each"
            " question, and optionally attempt and absent; JSONL with the same keys; or a ZIP of"
            " candidate_question.txt, .docx or .pdf."
        ),
        widget=theme.FileInput(attrs={"accept": ",".join(documents.EXTENSIONS)}),
    )
    format = forms.ChoiceField(
        label=capfirst(_("texts in cells")),
        choices=Upload.Format.choices,
        initial=Upload.Format.TEXT,
        required=False,
        widget=theme.Select,
    )


class MarksForm(forms.Form):
    """A file of marks to upload."""

    file = FileField(
        label=capfirst(_("marks")),
        help_text=_(
            "CSV or XLSX with the columns candidate, question, points and marker, and optionally"
            " attempt and comment; points by criterion in a column for each criterion. Also the"
            " saved mark history."
        ),
        widget=theme.FileInput(attrs={"accept": ",".join(documents.MARK_EXTENSIONS)}),
    )
    source = forms.CharField(
        label=capfirst(_("source of the marks")),
        help_text=_("Who gave the marks, where the file has no column for it."),
        max_length=mark_files.LONGEST_SOURCE,
        required=False,
        widget=theme.TextInput,
    )


class ExactText(forms.CharField):
    """A text that keeps its white space, with LF as line break.

    Browsers send CR LF for every line break; stored like that, each save would change the
    definition.
    """

    widget = theme.Textarea

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(strip=False, widget=theme.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text.replace("\r\n", "\n")


class Lines(forms.CharField):
    """A list of texts, one per line; a line break inside a text is shown as ⏎."""

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        options.setdefault("required", False)
        super().__init__(strip=False, widget=theme.Textarea(attrs={"rows": rows}), **options)

    def prepare_value(self, value: Any) -> Any:
        """Lines for a list; what the user typed, a str, is shown again unchanged."""
        if not isinstance(value, list):
            return value
        return "\n".join(str(text).replace("\n", NEW_LINE_INSIDE) for text in value)

    def to_python(self, value: Any) -> Any:
        """A list of the lines that are not blank."""
        if isinstance(value, list):
            return value
        lines = (value or "").replace("\r\n", "\n").split("\n")
        return [line.replace(NEW_LINE_INSIDE, "\n") for line in lines if line.strip()]

    def validate(self, value: Any) -> None:
        """Nothing is checked here: the rules of definitions check the whole question."""

    def run_validators(self, value: Any) -> None:
        """Run the validators on each line, where CharField would run them on the list."""
        for line in value:
            super().run_validators(line)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class SectionLines(Lines):
    """The sections of an essay, one per line: label | at least | at most."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(map(self._line, value))

    def _line(self, section: dict[str, Any]) -> str:
        bounds = [section["limits"].get(name) for name in ("min", "max")]
        return " | ".join([section["label"], *("" if b is None else str(b) for b in bounds)])

    def to_python(self, value: Any) -> Any:
        """A list of `{label, limits: {min, max}}`; ValidationError names the first faulty line."""
        return [self._section(line) for line in super().to_python(value)]

    def _section(self, line: Any) -> dict[str, Any]:
        if isinstance(line, dict):
            return line
        cells = [cell.strip() for cell in line.replace("｜", "|").split("|")]
        label, least, most = [*cells, "", ""][:3]
        if len(cells) > 3 or not all(cell == "" or cell.isdecimal() for cell in (least, most)):
            raise forms.ValidationError(
                _("“%(line)s” does not have the form: label | at least | at most"),
                params={"line": line},
            )
        return {"label": label, "limits": {"min": _whole(least), "max": _whole(most)}}

    def run_validators(self, value: Any) -> None:
        """Sections have no validators: the rules of definitions check the whole question."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Lines that cannot be read are a change, so that the form validates and refuses them."""
        try:
            return super().has_changed(initial, data)
        except forms.ValidationError:
            return True


def _whole(text: str) -> int | None:
    return int(text) if text else None


class Step(forms.TypedChoiceField):
    """The step of the points, 1 or 0.5."""

    def __init__(self, **options: Any) -> None:
        choices = [("1", "1"), ("0.5", "0.5")]
        super().__init__(choices=choices, coerce=Decimal, widget=theme.Select, **options)

    def prepare_value(self, value: Any) -> Any:
        """The key of the choice: PostgreSQL returns 1.0, the choice is 1."""
        return str(number(value)) if isinstance(value, Decimal) else value


class QuestionForm(theme.ModelForm):
    """A question. `faults` come from the rules of definitions, which run after the form's own."""

    faults: tuple[str, ...] = ()
    prompt = ExactText(label=capfirst(_("prompt")), rows=3)
    passage = ExactText(label=capfirst(_("passage")), rows=8, required=False)
    step = Step(label=capfirst(_("step")))
    sections = SectionLines(
        label=capfirst(_("sections")),
        rows=3,
        help_text=_("For essays, one section per line: label | at least | at most"),
    )
    ranks = Lines(
        label=capfirst(_("viewpoints ranked A-D")),
        rows=3,
        help_text=_("For essays, one viewpoint per line."),
    )
    force = forms.BooleanField(
        label=capfirst(_("Change it even if people have marked under the old criteria")),
        required=False,
        widget=theme.Checkbox,
        help_text=_("Their marks are kept; the answers are scored again under the new criteria."),
    )

    class Meta:
        model = Question
        exclude = ("digest",)

    def clean(self) -> dict[str, Any] | None:
        """Show the faults on the page that comes back with the typed values."""
        cleaned_data = super().clean()
        for fault in self.faults:
            self.add_error(None, fault)
        return cleaned_data


class CriterionForm(theme.ModelForm):
    """A criterion, with its references and keywords one per line."""

    references = Lines(
        label=capfirst(_("references")), help_text=_("One wording that earns the points per line.")
    )
    keywords = Lines(label=capfirst(_("keywords")), rows=2, help_text=_("One per line."))

    class Meta:
        model = Criterion
        fields = ("position", "code", "label", "points", "references", "keywords")


class ModelAnswerForm(theme.ModelForm):
    """A model answer, with its white space kept."""

    text = ExactText(label=capfirst(_("text")), rows=2)

    class Meta:
        model = ModelAnswer
        fields = ("text",)


def scopes() -> list[tuple[str, Any]]:
    """All scopes, after the token that acts as its user."""
    return [("", _("everything that the user may")), *scope_choices()]


class TokenForm(forms.Form):
    """A token to issue. The view sets the users that it may be issued for."""

    user: Any = forms.ModelChoiceField(
        label=capfirst(_("user")), queryset=None, widget=theme.Select
    )
    name = forms.CharField(
        label=capfirst(_("name")),
        max_length=access.LONGEST_NAME,
        required=False,
        widget=theme.TextInput,
        help_text=_("What will use it, for instance the name of the client system."),
    )
    days = forms.IntegerField(
        label=capfirst(_("days until it expires")),
        min_value=1,
        max_value=access.MOST_DAYS,
        initial=access.USUAL_DAYS,
        widget=theme.NumberInput,
    )
    scope = forms.ChoiceField(
        label=capfirst(_("scope")),
        choices=scopes,
        required=False,
        widget=theme.Select,
        help_text=_("A token with a scope can do less than its user, and never more."),
    )
