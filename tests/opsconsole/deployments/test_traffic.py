"""HAProxy's lines, in the format of our own configuration."""

from django.utils.timezone import now

from opsconsole.deployments import traffic
from opsconsole.deployments.traffic import Request
from tests.opsconsole.engines import requests_logged

REAL = (
    "172.28.0.1:41870 [29/Nov/2026:07:01:02.003] plain web/web3 0/0/1/38/39 200 512 ---- "
    "5/5/2/1/0 0/0 GET /api/v1/exams HTTP/1.1 172.28.2.7"
)


def test_a_line_tells_server_status_and_time() -> None:
    assert list(traffic.requests([REAL])) == [Request("172.28.2.7", 200, 38)]


def test_a_line_of_our_configuration_is_understood() -> None:
    line = requests_logged.line(now(), "10.0.0.3", 502, 7)
    assert list(traffic.requests([line])) == [Request("10.0.0.3", 502, 7)]


def test_a_request_for_which_there_was_no_server_has_failed() -> None:
    line = requests_logged.line(now(), "-", 503, 0)
    (request,) = traffic.requests([line])
    assert request.server == "-"
    assert request.failed


def test_what_the_client_broke_off_has_not_failed() -> None:
    broken = REAL.replace("0/0/1/38/39 200", "0/0/1/-1/39 -1").replace("----", "CD--")
    (request,) = traffic.requests([broken])
    assert request.milliseconds == 39
    assert not request.failed
    cut = broken.replace("CD--", "SD--")
    assert next(traffic.requests([cut])).failed


def test_what_is_no_request_is_left_out() -> None:
    lines = ["", "[NOTICE] (1) : haproxy version is 3.0.11", "Server web/web1 is UP"]
    assert list(traffic.requests(lines)) == []
