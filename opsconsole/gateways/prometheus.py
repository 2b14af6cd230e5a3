"""Prometheus, asked for the value of an expression at this moment, by its HTTP API, version 1."""

import math
from typing import Any

import httpx
from django.utils.translation import gettext as _

from pmscoring.base.redaction import redacted

SECONDS = 3.0
"""For an answer; Prometheus itself gives up a little sooner, and says so."""
MOST_SAID = 300


class PrometheusError(Exception):
    """There is no value, and the message says why."""


def value_of(url: str, expression: str) -> float:
    """What the expression is now: one finite number, of a scalar or of a vector's only series.

    Raises PrometheusError for everything else, and where Prometheus does not answer in time.
    """
    data = _asked(f"{url.rstrip('/')}/api/v1/query", expression)
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar" and isinstance(result, list):
        return _number(result)
    if kind != "vector" or not isinstance(result, list):
        raise PrometheusError(_("the expression gives a %s, and no number") % _short(kind))
    if not result:
        raise PrometheusError(_("the expression gives no series"))
    if len(result) > 1:
        raise PrometheusError(_("the expression gives several series; sum() or max() makes one"))
    return _number(result[0].get("value"))


def _asked(url: str, expression: str) -> dict[str, Any]:
    # A POST, for an expression may be longer than an address; two series are as bad as a thousand.
    form = {"query": expression, "timeout": f"{SECONDS * 0.8:g}", "limit": "2"}
    try:
        # By no proxy, whatever the environment names: it is in our own networks.
        response = httpx.post(url, data=form, timeout=SECONDS, trust_env=False)
        body = response.json()
    except httpx.TimeoutException as error:
        raise PrometheusError(_("Prometheus did not answer within %g s") % SECONDS) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PrometheusError(_("Prometheus is away: %s") % _short(error)) from error
    except ValueError as error:
        words = {"status": response.status_code}
        raise PrometheusError(
            _("what answers at PROMETHEUS_URL (HTTP %(status)d) is no Prometheus") % words
        ) from error
    if not isinstance(body, dict) or body.get("status") != "success":
        said = body.get("error") if isinstance(body, dict) else body
        raise PrometheusError(_("Prometheus refuses the expression: %s") % _short(said))
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def _number(pair: Any) -> float:
    """Of [time, "number"]; a histogram is none."""
    try:
        _time, text = pair
        number = float(text)
    except (TypeError, ValueError) as error:
        raise PrometheusError(_("the expression gives no number")) from error
    if not math.isfinite(number):
        raise PrometheusError(_("the number is %s") % number)
    return number


def _short(said: object) -> str:
    return redacted(str(said) or type(said).__name__)[:MOST_SAID]
