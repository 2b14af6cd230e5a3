"""Files that the web server serves: whoever collects them, any user can read them."""

from pathlib import Path

from django.core.management import call_command
from pytest_django import Settings


def test_the_web_server_can_read_what_another_user_has_collected(
    settings: Settings, tmp_path: Path
) -> None:
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    collected = list(tmp_path.rglob("*"))
    assert tmp_path / "pmscoring" / "live.js" in collected
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in collected}
    assert modes == {False: 0o644, True: 0o755}
