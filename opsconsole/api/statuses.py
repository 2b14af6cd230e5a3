"""The HTTP status of each failure that the console expects."""

from pmscoring.base.api.problems import register
from pmscoring.base.refusals import Busy, Refused

register({Refused: 409, Busy: 409})
