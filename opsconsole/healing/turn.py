"""A turn of the healer: each environment that runs, whatever the others do."""

import logging

from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError
from opsconsole.environments.look import kept_engine
from opsconsole.gateways.postgres.server import PostgresError
from opsconsole.healing.heal import Done, heal
from opsconsole.models import Caller, Environment
from pmscoring.base.refusals import Refused

log = logging.getLogger(__name__)
FAILURES = (EngineError, PostgresError, Refused)
"""The engine is away, the lock cannot be taken, or the environment's row lies."""


def turn(*, caller: Caller, dry_run: bool = False) -> list[Done]:
    """What is sick anywhere and what was done; where nothing could be seen, why (no replica)."""
    done: list[Done] = []
    for environment in Environment.objects.laid_out():
        try:
            done += heal(environment, kept_engine(environment), caller=caller, dry_run=dry_run)
        except FAILURES as error:
            log.warning("healing %s: %s", environment, error)
            done.append(Done(environment.code, "", str(error), _("nothing was done")))
        except Exception as error:
            # Whatever is wrong with one, the others are looked after. Its time is not written: the
            # alert that the healer stands has to tell of it.
            log.exception("healing %s", environment)
            says = f"{type(error).__name__}: {error}"
            done.append(Done(environment.code, "", says, _("nothing was done")))
            continue
        if not dry_run:
            # Also where the engine was away: that has an alert of its own.
            Environment.objects.filter(pk=environment.pk).update(healer_at=now())
    return done
