"""The token is rotated while our own client calls the service: no call is refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import translation

from inference_server.http.app import make_app
from pmscoring import secrets
from pmscoring.base import rotating
from scoring.inference import Inference, InferenceError
from tests.fakes import service_with
from tests.inference import serving
from tests.inference.http.requests import SMALL
from tests.inference.serving import wait_until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the token."""
    path = tmp_path / "inference_token"
    path.write_text("first-token")
    return path


@pytest.fixture
def address(file: Path) -> Iterator[str]:
    """Where the service is, which has its token in that file."""
    app = make_app(replace(SMALL, token="first-token", token_file=file), service_with)
    with serving.served(app) as client:
        wait_until(lambda: client.get("/health").status_code == 200)
        yield str(client.base_url)


def test_no_call_is_refused_while_the_token_is_rotated(address: str, file: Path) -> None:
    client = Inference(address, lambda: rotating.lines_of(file)[0], 20)
    slow = Inference(address, "first-token", 20)  # it has not looked at the file since
    client.info()

    secrets.rotate(file, "add")
    client.info()
    secrets.rotate(file, "swap")
    client.info()
    slow.info()
    secrets.rotate(file, "drop")

    client.info()
    with translation.override("en"), pytest.raises(InferenceError, match="refuses the token"):
        slow.info()
