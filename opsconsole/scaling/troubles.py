"""Why a value is not known: codes in rows, and sentences in the language of whoever reads them."""

from collections.abc import Mapping
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsconsole.gateways import coded
from opsconsole.gateways.haproxy import HaproxyError
from opsconsole.gateways.prometheus import PrometheusError


class Trouble(StrEnum):
    """Why there is no value, or why a metric wants no number; those of gateways are beside them."""

    NO_SAMPLE = "no_sample"
    OLD_SAMPLE = "old_sample"
    NO_VALUE = "no_value"
    NOT_FINITE = "not_finite"
    NEGATIVE = "negative"
    NO_CPU = "no_cpu"
    """CPU is known of no replica that is past its start."""
    NONE_READY = "none_ready"
    """No replica is ready, and so a low value says nothing."""
    NO_NUMBER = "no_number"
    NUMBER_IS = "number_is"
    OTHER_QUEUE = "other_queue"
    NO_LOAD = "no_load"
    FIRST_ANSWERS = "first_answers"
    OTHER_DATABASE = "other_database"
    NO_HAPROXY = "no_haproxy"
    HAPROXY_STOPPED = "haproxy_stopped"
    FIRST_REQUESTS = "first_requests"
    COUNTED_ANEW = "counted_anew"
    TOO_MANY_LINES = "too_many_lines"
    NOTHING_LOGGED = "nothing_logged"
    NO_PROMETHEUS = "no_prometheus"


TEXTS: Mapping[str, Promise] = {
    Trouble.NO_SAMPLE: _("the service could not be looked at"),
    Trouble.OLD_SAMPLE: _("the sample is too old"),
    Trouble.NO_VALUE: _("there is no value"),
    Trouble.NOT_FINITE: _("the value is not a finite number"),
    Trouble.NEGATIVE: _("the value is negative"),
    Trouble.NO_CPU: _("no replica past its start has a value"),
    Trouble.NONE_READY: _("no replica is ready"),
    Trouble.NO_NUMBER: _("there is no number"),
    Trouble.NUMBER_IS: _("the number is %s"),
    Trouble.OTHER_QUEUE: _("the queue of another environment can be read by its own console alone"),
    Trouble.NO_LOAD: _("scoring has not published its load of late"),
    Trouble.FIRST_ANSWERS: _("the answers are counted for the first time"),
    Trouble.OTHER_DATABASE: _("the answers are counted anew: the database is another one"),
    Trouble.NO_HAPROXY: _("this environment has no HAProxy"),
    Trouble.HAPROXY_STOPPED: _("HAProxy does not run"),
    Trouble.FIRST_REQUESTS: _("the requests are counted for the first time"),
    Trouble.COUNTED_ANEW: _("HAProxy has begun to count anew, or was not counted a moment ago"),
    Trouble.TOO_MANY_LINES: _("there are more requests than lines that an engine gives at once"),
    Trouble.NOTHING_LOGGED: _("HAProxy's log has no request of the last minute"),
    Trouble.NO_PROMETHEUS: _("there is no Prometheus: PROMETHEUS_URL is empty"),
}
ALL: Mapping[str, Promise] = {**TEXTS, **HaproxyError.TEXTS, **PrometheusError.TEXTS}


def in_words(trouble: str) -> str:
    """The trouble of a reading or an input; what an engine said has no code, and stays as it is."""
    return coded.in_words(ALL, trouble).rstrip(".")
