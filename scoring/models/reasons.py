"""Why an answer was not scored, in words for people.

A worker stores the reason as it came: from the inference service, from the network, from the
product. Who reads it may have another language than the worker, so it is worded when it is shown.
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
)
"""Sentences of the product that are stored as they are."""
NETWORK = (
    (r"ConnectError\b|ConnectTimeout\b", _("the inference service cannot be reached")),
    (r"\w*Timeout\b", _("the inference service did not answer in time")),
    (
        r"\w*(Protocol|Read|Write|Close)Error\b|the stream broke off",
        _("the connection to the inference service broke off"),
    ),
)
"""What the HTTP client says, by the names of its errors."""


def in_words(reason: str) -> str:
    """The stored reason in the active language; what nobody knows stays as it came."""
    for pattern, sentence in NETWORK:
        if re.match(pattern, reason):
            return gettext(sentence)
    return gettext(reason) if reason else ""
