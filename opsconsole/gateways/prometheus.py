"""Prometheus, asked for the value of an expression at this moment, by its HTTP API, version 1."""

import math
from enum import StrEnum
from typing import Any

import httpx
from django.utils.translation import gettext_lazy as _

from opsconsole.gateways.coded import Coded
from pmscoring.base.redaction import redacted

SECONDS = 3.0
"""For an answer; Prometheus itself gives up a little sooner, and says so."""
MOST_SAID = 300


class Code(StrEnum):
    """Why there is no value; rows keep these."""

    NO_NUMBER_KIND = "prometheus_kind"
    NO_SERIES = "prometheus_no_series"
    SEVERAL_SERIES = "prometheus_several_series"
    SLOW = "prometheus_slow"
    AWAY = "prometheus_away"
    ANOTHER = "prometheus_another"
    REFUSES = "prometheus_refuses"
    NO_NUMBER = "prometheus_no_number"
    NOT_FINITE = "prometheus_not_finite"


class PrometheusError(Coded):
    """There is no value."""

    TEXTS = {
        Code.NO_NUMBER_KIND: _("the expression gives a %s, and no number"),
        Code.NO_SERIES: _("the expression gives no series"),
        Code.SEVERAL_SERIES: _("the expression gives several series; sum() or max() makes one"),
        Code.SLOW: _("Prometheus did not answer within %s s"),
        Code.AWAY: _("Prometheus is away: %s"),
        Code.ANOTHER: _("what answers at PROMETHEUS_URL (HTTP %s) is no Prometheus"),
        Code.REFUSES: _("Prometheus refuses the expression: %s"),
        Code.NO_NUMBER: _("the expression gives no number"),
        Code.NOT_FINITE: _("the number is %s"),
    }


def value_of(url: str, expression: str) -> float:
    """What the expression is now: one finite number, of a scalar or of a vector's only series.

    Raises PrometheusError for everything else, and where Prometheus does not answer in time.
    """
    data = _asked(f"{url.rstrip('/')}/api/v1/query", expression)
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar" and isinstance(result, list):
        return _number(result)
    if kind != "vector" or not isinstance(result, list):
        raise PrometheusError(Code.NO_NUMBER_KIND, _short(kind))
    if not result:
        raise PrometheusError(Code.NO_SERIES)
    if len(result) > 1:
        raise PrometheusError(Code.SEVERAL_SERIES)
    return _number(result[0].get("value"))


def _asked(url: str, expression: str) -> dict[str, Any]:
    # A POST, for an expression may be longer than an address; two series are as bad as a thousand.
    form = {"query": expression, "timeout": f"{SECONDS * 0.8:g}", "limit": "2"}
    try:
        # By no proxy, whatever the environment names: it is in our own networks.
        response = httpx.post(url, data=form, timeout=SECONDS, trust_env=False)
        body = response.json()
    except httpx.TimeoutException as error:
        raise PrometheusError(Code.SLOW, f"{SECONDS:g}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PrometheusError(Code.AWAY, _short(error)) from error
    except ValueError as error:
        raise PrometheusError(Code.ANOTHER, response.status_code) from error
    if not isinstance(body, dict) or body.get("status") != "success":
        said = body.get("error") if isinstance(body, dict) else body
        raise PrometheusError(Code.REFUSES, _short(said))
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def _number(pair: Any) -> float:
    """Of [time, "number"]; a histogram is none."""
    try:
        _time, text = pair
        number = float(text)
    except (TypeError, ValueError) as error:
        raise PrometheusError(Code.NO_NUMBER) from error
    if not math.isfinite(number):
        raise PrometheusError(Code.NOT_FINITE, number)
    return number


def _short(said: object) -> str:
    return redacted(str(said) or type(said).__name__)[:MOST_SAID]
