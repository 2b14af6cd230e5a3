"""Why an answer was not scored, in words for people.

A worker stores the reason in English, as it came: from the inference service, from the network,
from the product. Who reads it may have another language, so it is worded when it is shown.
"""

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

KNOWN = (
    _(
        "the calibration was made under other weights than the inference service has now;"
        " it waits for a new calibration, or for the present one to be rolled back"
    ),
    _("the worker went quiet"),
    _("the model is not loaded"),
    _("waits for a worker of the newer release that folded its question"),
)
"""Sentences of the product that are stored as they are."""
WITH_VALUES = (
    _("the text has %(size)d code points; this question takes at most %(most)d"),
    _("the inference service gave no answer for this text %(times)d times (%(error)s)"),
)
"""The same with values, of which `error` is a reason itself."""
NETWORK = (
    (r"ConnectError\b|ConnectTimeout\b", _("the inference service cannot be reached")),
    (r"\w*Timeout\b", _("the inference service did not answer in time")),
    (
        r"\w*(Protocol|Read|Write|Close)Error\b|the stream broke off",
        _("the connection to the inference service broke off"),
    ),
)
"""What the HTTP client says, by the names of its errors."""
OURS = "(HTTP (?:401|403|404|405|408|503): )"
"""After these statuses stands a sentence of scoring/inference/errors.py, after others the service's
own words, which might be those of any text that is translated.
"""


def in_words(reason: str) -> str:
    """The stored reason in the active language; what nobody knows stays as it came."""
    for pattern, sentence in NETWORK:
        if re.match(pattern, reason):
            return gettext(sentence)
    for sentence in WITH_VALUES:
        if match := re.fullmatch(_pattern(sentence), reason, re.DOTALL):
            return _filled(sentence, match.groupdict())
    if match := re.fullmatch(OURS + "(.+)", reason, re.DOTALL):
        return match[1] + gettext(match[2])
    return gettext(reason) if reason else ""


def _pattern(sentence: str) -> str:
    """What finds the values in the sentence, by their names."""
    return re.sub(r"%\\\((\w+)\\\)[ds]", r"(?P<\1>.*)", re.escape(sentence))


def _filled(sentence: str, values: dict[str, str]) -> str:
    values = {name: in_words(value) for name, value in values.items()}
    return re.sub(r"%\((\w+)\)[ds]", lambda match: values[match[1]], gettext(sentence))
