"""Operations: requested as rows, checked twice, performed by the worker, each with its event."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.engines import meanwhile
from opsconsole.engines.base import EngineAway, EngineError, Finished
from opsconsole.environments import look, one_at_a_time, operate, output, performing
from opsconsole.models import Caller, Deployment, Environment, Event, ExamWindow, Operation
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused
from tests.concurrency import run_concurrently
from tests.opsconsole.engines.fake import Fake
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
OPERATOR = Caller("sato", "admin", "192.0.2.7")
Kind = Operation.Kind
HOUR = timedelta(hours=1)


def done(operation: Operation) -> Operation:
    """The operation, as a worker has left it."""
    operate.perform(Operation.objects.get(pk=operation.pk))
    operation.refresh_from_db()
    return operation


def asked(here: Environment, kind: str, target: str = "", **arguments: Any) -> Operation:
    """A row as a process that was taken over would write it: nobody has checked it."""
    return Operation.objects.create(
        environment=here, kind=kind, target=target, arguments=arguments, language="en"
    )


def a_window(start: datetime, **floors: int) -> ExamWindow:
    return ExamWindow.objects.create(
        name="autumn", starts_at=start, ends_at=start + HOUR, floors=floors
    )


def last() -> Event:
    event = Event.objects.order_by("number").last()
    assert event
    return event


def test_a_replica_is_restarted_and_the_event_says_who_asked(here: Environment, fake: Fake) -> None:
    replica = fake.running("worker")[0]
    operation = done(operate.restart(here, replica.id, caller=OPERATOR, why="stuck"))
    assert operation.status == "done"
    assert "restart" in fake.calls
    assert (last().deed, last().actor, last().address) == ("replica.restarted", "sato", "192.0.2.7")
    assert last().details["reason"] == "stuck"


def test_it_is_called_by_the_name_of_its_replica_and_not_by_an_id(
    here: Environment, fake: Fake
) -> None:
    look.look(here)
    replica = fake.running("web")[0]
    operation = operate.logs(here, replica.id, caller=OPERATOR)
    assert operation.target == replica.id
    assert str(operation).endswith(f" {replica.name}")


def test_a_service_is_scaled_within_its_bounds(here: Environment, fake: Fake) -> None:
    operation = done(operate.scale(here, "web", 3, caller=OPERATOR))
    assert operation.status == "done"
    assert len(fake.running("web")) == 3
    assert last().deed == "service.scaled"
    assert (last().details["from"], last().details["to"]) == (1, 3)


@pytest.mark.parametrize("step", ["scale", "restart"])
def test_it_gives_signs_of_life_while_a_busy_replica_ends(
    step: str, here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[str] = []
    monkeypatch.setattr(meanwhile, "ALIVE_SECONDS", 0.01)
    monkeypatch.setattr(output.Output, "alive", lambda _output: beats.append(step))

    def take_time(name: str) -> None:
        if name.startswith(step):
            wait_until(lambda: len(beats) >= 3, 10, "it is alive")

    fake.before = take_time
    if step == "scale":
        operation = operate.scale(here, "web", 3, caller=OPERATOR)
    else:
        operation = operate.restart(here, fake.running("worker")[0].id, caller=OPERATOR)
    assert (done(operation).status, operation.reason) == ("done", "")


@pytest.mark.parametrize(
    ("service", "replicas"),
    [("web", 0), ("web", 21), ("web", -1), ("web", 10_000), ("web", "3"), ("web", True),
     ("postgres", 2), ("broker", 2), ("cache", 2), ("beat", 2), ("ops", 0), ("moon", 2)],
)  # fmt: skip
def test_no_service_is_scaled_beyond_them_whoever_wrote_the_row(
    here: Environment, fake: Fake, service: str, replicas: Any
) -> None:
    with pytest.raises(Refused):
        operate.scale(here, service, replicas, caller=OPERATOR)
    operation = done(asked(here, Kind.SCALE, service, replicas=replicas))
    assert operation.status == "failed"
    assert "scale" not in fake.calls
    assert last().deed == "operation.failed"


def test_for_a_time_means_that_the_number_of_before_is_put_back(
    here: Environment, fake: Fake
) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=HOUR))
    assert operate.due() == []
    [back] = operate.due(now() + HOUR)
    done(back)
    assert len(fake.running("web")) == 1
    assert last().deed == "service.scaled"


def test_a_later_request_ends_the_putting_back(here: Environment, fake: Fake) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=timedelta(hours=1)))
    done(operate.scale(here, "web", 5, caller=OPERATOR))
    assert operate.due(now() + timedelta(days=1)) == []
    assert len(fake.running("web")) == 5
    assert Operation.objects.filter(reason="replaced by a later request").count() == 1


def test_a_number_that_is_there_already_holds_for_its_time_too(
    here: Environment, fake: Fake
) -> None:
    fake.scale("web", 3)
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=HOUR))
    [back] = operate.due(now() + HOUR)
    assert back.arguments["replicas"] == 3


@pytest.mark.parametrize("second", [3, 5], ids=["the same number", "another number"])
def test_a_second_number_for_a_time_leads_back_to_what_was_before_the_first(
    here: Environment, fake: Fake, second: int
) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=2 * HOUR))
    done(operate.scale(here, "web", second, caller=OPERATOR, lasting=HOUR))
    [back] = operate.due(now() + 3 * HOUR)
    assert operate.due(now() + HOUR) == [back]
    done(back)
    assert len(fake.running("web")) == 1


def test_a_request_that_fails_leaves_what_is_to_be_put_back(here: Environment, fake: Fake) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=HOUR))
    fake.fail("scale", EngineError("no space left on device"))
    assert done(operate.scale(here, "web", 5, caller=OPERATOR)).status == "failed"
    [back] = operate.due(now() + HOUR)
    done(back)
    assert len(fake.running("web")) == 1


def test_what_is_put_back_goes_no_lower_than_an_exam_window_wants(
    here: Environment, fake: Fake
) -> None:
    done(operate.scale(here, "web", 5, caller=OPERATOR, lasting=HOUR))
    window = a_window(now() + timedelta(minutes=1), web=4)
    [back] = operate.due(now() + HOUR)
    assert done(back).status == "done"
    assert len(fake.running("web")) == 4, "its replicas are being started for the window"
    window.floors = {"web": 9}
    window.save()
    done(asked(here, Kind.SCALE, "web", replicas=1, not_before=now().isoformat()))
    assert len(fake.running("web")) == 4, "more is for the policy to start, as far as there is room"


def test_what_is_given_back_early_goes_no_lower_either(here: Environment, fake: Fake) -> None:
    done(operate.scale(here, "web", 5, caller=OPERATOR, lasting=HOUR))
    a_window(now(), web=4)
    done(operate.give_back(here, "web", caller=OPERATOR, why="put back before its time"))
    assert len(fake.running("web")) == 4
    assert operate.due(now() + 2 * HOUR) == []
    with pytest.raises(Refused, match="no number was set for a time"):
        operate.give_back(here, "web", caller=OPERATOR, why="once more")


def test_what_was_requested_before_an_exam_window_is_bound_by_it(
    here: Environment, fake: Fake
) -> None:
    fake.scale("web", 3)
    fewer = operate.scale(here, "web", 1, caller=OPERATOR)
    more = operate.scale(here, "web", 4, caller=OPERATOR)
    with_reason = operate.scale(here, "web", 2, caller=OPERATOR, why="the machine burns")
    a_window(now(), web=5)
    assert "at least 5 of web" in done(fewer).reason
    assert len(fake.running("web")) == 3
    assert done(more).status == "done", "a part of the way"
    assert done(with_reason).status == "done"
    assert len(fake.running("web")) == 2


def test_what_is_put_back_waits_until_others_have_scaled(here: Environment, fake: Fake) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=HOUR))
    [back] = operate.due(now() + HOUR)
    with one_at_a_time.scaling(here, "web"):
        assert done(back).status == "waiting"
    done(back)
    assert len(fake.running("web")) == 1


def test_what_was_to_be_put_back_just_when_somebody_scaled_is_not(
    here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=HOUR))
    [back] = operate.due(now() + HOUR)
    scaling = one_at_a_time.scaling

    def after_another(environment: Environment, service: str) -> AbstractContextManager[None]:
        monkeypatch.setattr(one_at_a_time, "scaling", scaling)
        done(operate.scale(here, "web", 5, caller=OPERATOR))
        return scaling(environment, service)

    monkeypatch.setattr(one_at_a_time, "scaling", after_another)
    with pytest.raises(WrongState):
        operate.perform(back)
    assert len(fake.running("web")) == 5
    assert fake.calls.count("scale") == 2


def test_what_is_put_back_waits_for_the_end_of_a_deployment(here: Environment, fake: Fake) -> None:
    done(operate.scale(here, "web", 3, caller=OPERATOR, lasting=timedelta(hours=1)))
    Deployment.objects.create(environment=here, status=Deployment.Status.ROLLING)
    later = now() + timedelta(hours=1)
    assert operate.due(later) == []
    Deployment.objects.update(status=Deployment.Status.LIVE)
    assert len(operate.due(later)) == 1


@pytest.mark.parametrize("kind", [Kind.SCALE, Kind.RESTART])
def test_while_a_deployment_is_under_way_nothing_is_scaled_or_restarted(
    here: Environment, fake: Fake, kind: str
) -> None:
    target = "web" if kind == Kind.SCALE else fake.running("web")[0].id
    early = asked(here, kind, target, replicas=2)
    Deployment.objects.create(environment=here, status=Deployment.Status.ROLLING)
    with pytest.raises(Busy, match="a deployment is under way"):
        operate.request(here, kind, caller=OPERATOR, target=target)
    assert done(early).reason.startswith("a deployment is under way")
    assert {"scale", "restart"}.isdisjoint(fake.calls)


@pytest.mark.parametrize("target", ["", "web", "other-project-web-1", "../x", "; rm -rf /"])
def test_only_replicas_of_the_environment_are_restarted(
    here: Environment, fake: Fake, target: str
) -> None:
    operation = done(asked(here, Kind.RESTART, target))
    assert (operation.status, "restart" in fake.calls) == ("failed", False)


def test_the_operations_worker_does_not_restart_itself(here: Environment, fake: Fake) -> None:
    operation = done(operate.restart(here, fake.running("ops")[0].id, caller=OPERATOR))
    assert operation.status == "failed"
    assert "on the host" in operation.reason


def test_a_command_runs_in_a_container_of_its_own_and_its_output_is_kept(
    here: Environment, fake: Fake
) -> None:
    fake.answers["showmigrations"] = Finished(0, "scoring\n [X] 0001_initial")
    operation = done(operate.run(here, "showmigrations", ["--plan"], caller=OPERATOR))
    [(service, argv, _image)] = fake.ran
    assert (service, argv) == ("ops", ("python", "manage.py", "showmigrations", "--plan"))
    assert operation.output == "scoring\n [X] 0001_initial"
    assert (operation.status, operation.exit_code) == ("done", 0)
    assert last().details["command"] == "showmigrations --plan"


def test_a_command_that_exits_with_another_status_says_so(here: Environment, fake: Fake) -> None:
    fake.answers["migrate"] = Finished(1, "there are unapplied migrations")
    operation = done(operate.run(here, "migrate", ["--check"], caller=OPERATOR))
    assert (operation.status, operation.exit_code) == ("done", 1)
    assert (last().deed, last().result) == ("command.run", "failed")


@pytest.mark.parametrize(
    ("command", "words"), [("shell", []), ("flush", ["--noinput"]), ("check", ["; rm"])]
)
def test_no_other_command_runs_whoever_wrote_the_row(
    here: Environment, fake: Fake, command: str, words: list[str]
) -> None:
    with pytest.raises(Refused):
        operate.run(here, command, words, caller=OPERATOR)
    assert done(asked(here, Kind.RUN, command, words=words)).status == "failed"
    assert fake.ran == []


def test_output_is_without_secrets_and_its_beginning_is_cut_off(
    here: Environment, fake: Fake
) -> None:
    lines = ["first", "password=geheim-4711", *("x" * 1000 for _ in range(400)), "last"]
    fake.answers["check"] = Finished(0, "\n".join(lines))
    operation = done(operate.run(here, "check", [], caller=OPERATOR))
    assert "geheim" not in operation.output
    assert operation.output.endswith("last")
    assert "first" not in operation.output
    assert len(operation.output.encode()) <= output.MOST_BYTES


def test_output_is_in_the_row_while_the_command_goes_on(
    here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "EVERY", 0.0)
    fake.answers["check"] = Finished(0, "one\ntwo")
    seen: list[str] = []
    operation = operate.run(here, "check", [], caller=OPERATOR)

    def look(line: str) -> None:
        seen.append(Operation.objects.get(pk=operation.pk).output)

    operate.perform(Operation.objects.get(pk=operation.pk), say=look)
    assert seen == ["", "one"]


def test_the_last_lines_of_a_replica_are_read(here: Environment, fake: Fake) -> None:
    replica = fake.running("web")[0].id
    fake.said[replica] = [(now(), f"line {number}") for number in range(300)]
    operation = done(operate.logs(here, replica, tail=2, caller=OPERATOR))
    assert [line.split(" ", 1)[1] for line in operation.output.splitlines()] == [
        "line 298",
        "line 299",
    ]
    assert last().deed == "replica.logs_read"


def test_they_are_searched_and_followed(here: Environment, fake: Fake) -> None:
    replica, at = fake.running("web")[0].id, now() - timedelta(minutes=1)
    fake.said[replica] = [(at, "an ERROR of before")]
    fake.said[replica] += [(at + timedelta(seconds=n), f"error {n}") for n in range(1, 4)]
    fake.said[replica] += [(at + timedelta(seconds=5), "fine")]
    found = done(operate.logs(here, replica, search="Error", caller=OPERATOR))
    assert len(found.output.splitlines()) == 4
    since = at + timedelta(seconds=3)
    followed = done(operate.logs(here, replica, since=since, caller=OPERATOR))
    assert [line.split(" ", 1)[1] for line in followed.output.splitlines()] == ["error 3", "fine"]


@pytest.mark.parametrize("since", ["yesterday", 5, "2026-99-99T00:00:00Z", "2026-11-29T00:00:00"])
def test_a_row_that_lies_about_the_time_gets_the_last_lines(
    here: Environment, fake: Fake, since: object
) -> None:
    replica = fake.running("web")[0].id
    fake.said[replica] = [(now(), "line")]
    operation = done(asked(here, Kind.LOGS, replica, since=since, tail="many"))
    assert operation.output.endswith("line")


def test_an_engine_that_is_away_fails_it_with_its_reason(here: Environment, fake: Fake) -> None:
    fake.fail("services", EngineAway("no answer within 5 s"))
    operation = done(operate.restart(here, fake.running("web")[0].id, caller=OPERATOR))
    assert (operation.status, operation.reason) == ("failed", "no answer within 5 s")
    assert (last().deed, last().result, last().actor) == ("operation.failed", "failed", "sato")


def test_what_it_had_written_is_there_when_it_fails(here: Environment, fake: Fake) -> None:
    def fails(operation: Operation, out: output.Output) -> performing.Done:
        out.line("half")
        raise EngineError("broke off")

    operation = operate.run(here, "check", [], caller=OPERATOR)
    operate.perform(operation, {Kind.RUN: fails})
    operation.refresh_from_db()
    assert (operation.output, operation.reason) == ("half", "broke off")


@pytest.mark.parametrize("kind", [Kind.ROTATE, "format"])
def test_a_kind_that_nobody_performs_fails(here: Environment, fake: Fake, kind: str) -> None:
    assert done(asked(here, kind)).status == "failed"
    assert fake.calls == []


@pytest.mark.parametrize("column", ["laid_out_at", "removed_at"])
def test_what_is_not_laid_out_is_not_operated(here: Environment, fake: Fake, column: str) -> None:
    setattr(here, column, None if column == "laid_out_at" else now())
    here.save()
    with pytest.raises(Refused, match="not laid out"):
        operate.run(here, "check", [], caller=OPERATOR)
    assert done(asked(here, Kind.RUN, "check", words=[])).status == "failed"
    assert fake.calls == []


def test_of_a_killed_worker_it_is_failed_and_not_tried_again(here: Environment, fake: Fake) -> None:
    operation = operate.run(here, "check", [], caller=OPERATOR)
    operation.claim(started_at=now())
    Operation.objects.update(claimed_at=now() - timedelta(hours=1))
    Operation.objects.release_stalled(timedelta(minutes=5))
    operation.refresh_from_db()
    assert operation.status == "failed"
    assert last().deed == "operation.failed"


def test_a_command_performs_it_at_once(here: Environment, fake: Fake) -> None:
    lines: list[str] = []
    fake.answers["check"] = Finished(0, "no issues")
    operation = operate.at_once(
        lambda: operate.run(here, "check", [], caller=OPERATOR), say=lines.append
    )
    assert (operation.status, lines) == ("done", ["no issues"])


def test_rows_that_ended_long_ago_are_deleted(here: Environment, fake: Fake) -> None:
    replica = fake.running("web")[0].id
    done(operate.logs(here, replica, caller=OPERATOR))
    done(operate.restart(here, replica, caller=OPERATOR))
    waiting = operate.run(here, "check", [], caller=OPERATOR)
    assert operate.forget(now() + timedelta(days=2)) == 1
    assert operate.forget(now() + timedelta(days=91)) == 1
    assert list(Operation.objects.all()) == [waiting]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_performs_it(here: Environment, fake: Fake) -> None:
    key = operate.run(here, "check", [], caller=OPERATOR).pk

    def work() -> None:
        operate.perform(Operation.objects.get(pk=key))

    results = run_concurrently([work, work])
    assert sorted(map(type, results), key=str) == [type(None), WrongState]
    assert len(fake.ran) == 1
