"""An operations worker in a thread, before an engine in memory: for tests of the console's pages.

No container runs here. Rows, tasks, plan, driver and gate are the product's own; only the engine is
`tests/opsconsole/engines/fake.py`. What the real engines do is tested in tests/stack.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event as Flag

from django.db import connection

from opsconsole.deployments import driver, operations
from opsconsole.environments import look, operate
from opsconsole.models import Deployment, Environment
from tests.opsconsole.engines.fake import Fake

TURN = 0.1


class Worker:
    """Takes up operations and deployments as they come, and looks at the environments.

    A deployment waits before the step of the engine that `stop_before` names, until `go_on` is set.
    """

    def __init__(self, fake: Fake) -> None:
        self.fake, self.ended = fake, Flag()
        self.stop_before, self.go_on = "", Flag()
        fake.before = self._before

    def _before(self, step: str) -> None:
        if step == self.stop_before:
            self.go_on.wait(60)

    def run(self) -> None:
        """Until the test ends."""
        try:
            while not self.ended.is_set():
                self._turn()
                time.sleep(TURN)
        finally:
            connection.close()

    def _turn(self) -> None:
        for operation in operate.due():
            operate.perform(operation, operations.DEEDS)
        for deployment in Deployment.objects.waiting().select_related("environment"):
            driver.start(deployment, self.fake, wait=self._wait, every=0.0)
        for environment in Environment.objects.laid_out():
            look.look(environment)

    def _wait(self, seconds: float) -> None:
        """Fifty requests come in a second; time is not waited for."""
        self.fake.serve(max(1, int(seconds * 50)))


@contextmanager
def working(fake: Fake) -> Iterator[Worker]:
    """A worker until the end; what it fails of is raised then."""
    worker = Worker(fake)
    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(worker.run)
        try:
            yield worker
        finally:
            worker.ended.set()
            worker.go_on.set()
        work.result(60)
