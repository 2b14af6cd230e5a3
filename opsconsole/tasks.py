"""Celery tasks of the queue `ops`. A message is only a nudge to look at the rows.

A backup may take hours, and Redis delivers a message anew that was not acknowledged within an hour.
For a backup and a restore that is harmless: the second worker cannot claim the row, and gets
WrongState or Busy. What has no row to claim acknowledges its message first; if its worker dies, the
next turn makes up for it.
"""

import logging
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import translation

from opsconsole.backups import (
    again,
    alone,
    arrival,
    copies,
    drill,
    looking,
    plans,
    prune,
    recovery,
    restore,
    take,
)
from opsconsole.deployments import driver, holding, operations, releases, request
from opsconsole.deployments import recovery as recovery_of_deployments
from opsconsole.engines.base import EngineError
from opsconsole.environments import following, look, operate
from opsconsole.environments.engine import patient_engine_of
from opsconsole.environments.enter import enter
from opsconsole.gateways import published
from opsconsole.gateways.postgres.server import PostgresError
from opsconsole.healing.turn import turn
from opsconsole.models import (
    Backup,
    Caller,
    Deployment,
    Environment,
    Event,
    Operation,
    Restore,
    ScalingDecision,
)
from opsconsole.models.deeds import DEEDS, Told
from opsconsole.notices import telling
from opsconsole.scaling import apply, defaults, keeping
from opsconsole.scaling.turn import turn as scaling_turn
from pmscoring.base import heartbeats, hold, published_load
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.nudges import nudge
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Busy, Refused

log = logging.getLogger(__name__)
BEAT = Caller(source="beat")


@shared_task
def sweep() -> None:
    """Release stalled work, request what plans are due, and send a task for all that waits."""
    published.publish()
    nudge(tell)
    nudge(sweep_restores)
    nudge(remove_leftovers)
    nudge(sweep_operations)
    nudge(record_releases)
    nudge(follow_exams)
    Backup.objects.release_stalled(timedelta(seconds=settings.BACKUP_STALLED_SECONDS))
    looking.forget(timedelta(seconds=settings.BACKUP_STALLED_SECONDS))
    with translation.override(settings.LANGUAGE_CODE):
        plans.request_due()
        plans.tell_overdue()
    # One at a time; the others would only be told that it is under way.
    if waiting := Backup.objects.waiting().order_by("pk").first():
        nudge(take_backup, waiting.pk)


@shared_task(throws=restore.FAILURES)
def recover_restores() -> None:
    """Finish or undo a restore whose worker has died.

    Beat sends it by itself, for a nudge asks the database, which may be closed; and it sends this
    alone while the application is held.
    """
    for sentence in recovery.recover():
        log.warning(sentence)


@shared_task(throws=restore.FAILURES)
def sweep_restores() -> None:
    """Finish or undo what a killed worker left, and send a task for each restore that waits."""
    recover_restores()
    # Only now: the row of a restore that broke off says that it was undone.
    Restore.objects.release_stalled(timedelta(seconds=settings.BACKUP_STALLED_SECONDS))
    for key in Restore.objects.waiting().values_list("pk", flat=True):
        nudge(run_restore, key)


@shared_task(throws=(PostgresError, OSError))
def remove_leftovers() -> None:
    """Remove the folders and databases of killed work."""
    alone.sweep()


@shared_task
def sweep_operations() -> None:
    """Enter this installation, fail what dead workers had, and send tasks for what is due.

    An environment that is new among those that run has its first policies made.
    """
    enter()
    defaults.make_missing()
    Operation.objects.release_stalled(timedelta(seconds=settings.BACKUP_STALLED_SECONDS))
    operate.forget()
    for operation in operate.due():
        nudge(perform_operation, operation.pk)


@shared_task(throws=(WrongState,))
def perform_operation(operation_id: int) -> None:
    """Perform a requested operation; of two workers with the same message one gets WrongState."""
    if operation := Operation.objects.filter(pk=operation_id).first():
        operate.perform(operation, operations.DEEDS)


@shared_task(acks_late=False)
def look_at_environments() -> None:
    """Write what is seen of each environment; an engine that is away is written too."""
    look.look_at_all()


@shared_task(acks_late=False)
def record_releases() -> None:
    """Record what runs, where it is not what was deployed last: at the first start, for example."""
    for environment in Environment.objects.laid_out().exclude(engine=Environment.Engine.EMBEDDED):
        try:
            releases.record_running(environment)
        except (Refused, EngineError) as error:
            log.warning("what runs in %s is not recorded: %s", environment, redacted(str(error)))


@shared_task(acks_late=False)
def follow_exams() -> None:
    """Make and move exam windows by the dates of the exams that scoring publishes."""
    following.follow(published_load.read(), caller=BEAT)


@shared_task
def sweep_deployments() -> None:
    """Send a task for each deployment that waits, and for each whose driver has gone quiet.

    Beat sends it also while the application is held, as it is for some deployments.
    """
    request.expire()
    for stalled in recovery_of_deployments.stalled():
        nudge(recover_deployment, stalled.pk)
    kept = holding.keep()
    if kept:
        # Beat sends nothing else meanwhile; people are to know, and a restore would end it.
        nudge(tell)
        nudge(sweep_restores)
    if kept or not hold.is_held():
        for key in Deployment.objects.waiting().values_list("pk", flat=True):
            nudge(start_deployment, key)


@shared_task(throws=(WrongState, Refused, EngineError))
def start_deployment(deployment_id: int) -> None:
    """Drive a requested deployment; of two workers with the same message one gets WrongState."""
    if waiting := Deployment.objects.waiting().filter(pk=deployment_id).first():
        driver.start(waiting)


@shared_task(throws=(WrongState, Refused, EngineError))
def recover_deployment(deployment_id: int) -> None:
    """Finish or undo what a dead driver left; of two workers one gets WrongState."""
    if left := Deployment.objects.filter(pk=deployment_id).first():
        recovery_of_deployments.recover(left, patient_engine_of(left.environment))


@shared_task
def heartbeat(queue: str) -> None:
    """Beat sends it to each queue, whatever else waits there."""
    heartbeats.beat(queue)


@shared_task(throws=(WrongState, Busy))
def take_backup(backup_id: int) -> None:
    """Make a waiting backup, or take in an uploaded one.

    Of two workers with the same message one gets WrongState or Busy.
    """
    if backup := Backup.objects.filter(pk=backup_id).first():
        uploaded = backup.origin == Backup.Origin.UPLOADED
        (arrival.take_in if uploaded else take.take)(backup, _unseen)


@shared_task(acks_late=False)
def verify_backup(backup_id: int, store: str = "", *caller: str) -> None:
    """Verify a backup as it lies in the store, or where it can be read; `caller` as in Caller."""
    if backup := Backup.objects.kept().filter(pk=backup_id).first():
        with backup.in_its_language():
            drill.look(backup, store, caller=Caller(*caller), say=_unseen)


@shared_task(acks_late=False, throws=(copies.Missing, Busy, Refused))
def copy_again(backup_id: int, *caller: str) -> None:
    """Copy a backup again to the stores that lack it; `caller` as in Caller."""
    if backup := Backup.objects.kept().filter(pk=backup_id).first():
        with backup.in_its_language(), looking.shown(backup, _unseen) as tell:
            again.copy_again(backup, caller=Caller(*caller), say=tell)


@shared_task(throws=(*restore.FAILURES, WrongState, Busy, Refused))
def run_restore(restore_id: int) -> None:
    """Do a requested restore; of two workers with the same message one gets WrongState."""
    if asked := Restore.objects.filter(pk=restore_id).first():
        restore.run(asked, lambda _fraction, note: log.info("restore: %s", note))


@shared_task(throws=(*restore.FAILURES, Refused))
def drop_previous(restore_id: int, *caller: str) -> None:
    """Drop what a restore has kept; a second worker finds it dropped, and gets Refused."""
    if done := Restore.objects.filter(pk=restore_id).first():
        restore.drop_previous(done, caller=Caller(*caller))


@shared_task(acks_late=False)
def drill_backup() -> None:
    """Verify an old backup, as read from its store, where a week has gone by since the last."""
    if drill.is_due():
        with translation.override(settings.LANGUAGE_CODE):
            drill.drill(caller=BEAT, say=_unseen)


@shared_task(acks_late=False, throws=(Refused,))
def prune_backups(why: str = "", *caller: str) -> None:
    """Remove the backups that no plan asks to keep; not while an exam window holds without a why.

    `caller` as in Caller; none where beat sends it.
    """
    with translation.override(settings.LANGUAGE_CODE):
        prune.prune(caller=Caller(*caller) if caller else BEAT, say=_unseen, why=why)


@shared_task(acks_late=False)
def heal() -> None:
    """Restart what is unhealthy; beat asks for it every 15 seconds, and late is useless."""
    with translation.override(settings.LANGUAGE_CODE):
        turn(caller=BEAT)


@shared_task(acks_late=False)
def keep_samples() -> None:
    """Sum up and remove old samples and decisions of scaling."""
    keeping.keep()


@shared_task(acks_late=False, throws=(Busy,))
def autoscale() -> None:
    """Decide on every scaling policy; beat asks for it every 15 seconds, and late is useless.

    Raises Busy where another one does so just now.
    """
    with translation.override(settings.LANGUAGE_CODE):
        scaling_turn(caller=BEAT)
    for key in ScalingDecision.objects.to_carry_out().values_list("pk", flat=True):
        nudge(carry_out_decision, key)


@shared_task(acks_late=False, throws=(Refused,))
def carry_out_decision(decision_id: int) -> None:
    """Scale as was decided; by itself, for replicas that go may drain for minutes."""
    if decision := ScalingDecision.objects.to_carry_out().filter(pk=decision_id).first():
        engine = patient_engine_of(decision.policy.environment)
        with translation.override(settings.LANGUAGE_CODE):
            apply.carry_out(decision, engine, caller=BEAT)


@shared_task
def tell() -> None:
    """Tell each channel what it is still to be told."""
    telling.tell_all()


def event_recorded(instance: Event, **_: Any) -> None:
    """Have channels told at once: what this process records may be told by another alone."""
    if DEEDS[instance.deed].told is not Told.NEVER:
        nudge(tell)


def nudge_drop(done: Restore, caller: Caller) -> None:
    """After the commit, ask a worker to drop what the restore has kept."""
    nudge(drop_previous, done.pk, caller.name, caller.source, caller.address)


def _unseen(_fraction: float, _note: str) -> None:
    """The rows themselves say how far the work is."""
