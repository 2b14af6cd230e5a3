"""Names and meanings of the flags that a mark can carry."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, tuple[str | Promise, str | Promise]] = {
    "blank": (_("Not answered"), _("The answer sheet is empty: 0 points.")),
    "no_answer": (
        _("Says nothing"),
        _("All it says is that nothing is answered, as “no answer” does: 0 points."),
    ),
    "too_short": (_("Too short"), _("The answer, or a section of it, is below its lower limit.")),
    "too_long": (_("Too long"), _("The answer, or a section of it, is over its upper limit.")),
    "off_topic": (_("Off topic"), _("Nothing in the answer relates to the question.")),
    "copied_prompt": (
        _("Question copied"),
        _("The answer repeats the question instead of answering it: 0 points."),
    ),
    "copied_passage": (
        _("Passage copied"),
        _("Most of the answer is copied from the passage word for word: 0 points."),
    ),
    "wrong_language": (
        _("Wrong language"),
        _("The answer is not in the language of the question."),
    ),
    "stuffed": (
        _("Keywords only"),
        _("The answer strings words together instead of making sentences."),
    ),
    "reversed": (
        _("Reversed?"),
        _(
            "The answer may say the reverse of what earns the points: a negation, a number, or"
            " cause and effect."
        ),
    ),
    "unlike": (
        _("Unlike the others"),
        _("The answer is unlike all answers that the calibration was fitted to."),
    ),
    "garbled": (
        _("Words out of order"),
        _("The words or letters of the answer stand in no order that makes sentences."),
    ),
}


def name(code: str) -> str:
    """The flag's name, or its code where the flag is not known."""
    return str(NAMES[code][0]) if code in NAMES else code
