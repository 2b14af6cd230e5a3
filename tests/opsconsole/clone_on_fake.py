"""Run in a process of a site: clone a backup into an environment whose engine is in memory.

Its arguments: the backup's folder, the environment's code, and where the archive is written that
was put into the environment.
"""

import json
import sys
from pathlib import Path

import django

django.setup()

from django.utils.timezone import now  # noqa: E402

from opsconsole.deployments import cloning  # noqa: E402
from opsconsole.engines.base import Finished  # noqa: E402
from opsconsole.environments import engine  # noqa: E402
from opsconsole.models import SYSTEM, Environment  # noqa: E402
from tests.opsconsole.engines.fake import Fake  # noqa: E402


def main(folder: Path, archive: Path) -> None:
    """Clone, and print what was done there."""
    fake = Fake()
    fake.answers["restore"] = Finished(0, '{"state": "done"}')
    engine.KINDS["compose"] = lambda environment: fake
    staging = Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="p", laid_out_at=now()
    )
    done = cloning.clone(folder, staging, caller=SYSTEM, say=lambda fraction, note: None)
    [content] = fake.folders.values()
    archive.write_bytes(content)
    ran = [list(argv) for _service, argv, _image in fake.ran]
    print(json.dumps({"done": done, "ran": ran, "put": list(fake.folders)}, default=str))


main(Path(sys.argv[1]), Path(sys.argv[2]))
