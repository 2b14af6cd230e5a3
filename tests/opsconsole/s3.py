"""A real S3 server, SeaweedFS from a wheel, for the whole run of the tests."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import LOGS
from tests.local_servers import free_port, wait_until

REGION = "us-east-1"
KEY, SECRET = "AKIDADMIN0CANARY", "admin-secret-canary/0123456789+abc"
WRITER_KEY, WRITER_SECRET = "AKIDWRITER0CANARY", "writer-secret-canary/9876543210+xyz"
CANARIES = (KEY, SECRET, WRITER_KEY, WRITER_SECRET)
"""What must never be seen in a message, a row or a log."""
WRITES_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::*", "arn:aws:s3:::*/*"],
        },
        {"Effect": "Deny", "Action": ["s3:DeleteObject"], "Resource": ["arn:aws:s3:::*/*"]},
    ],
}


@dataclass(frozen=True)
class S3:
    """Its address; buckets are made by signed requests, for which obstore has no call."""

    endpoint: str

    def make_bucket(self, name: str, *, locked: bool = False) -> None:
        """A new bucket; a locked one keeps every object for a day, whoever asks."""
        headers = {"x-amz-bucket-object-lock-enabled": "true"} if locked else {}
        self.call("PUT", f"/{name}", headers=headers)
        if locked:
            self.call(
                "PUT",
                f"/{name}",
                "object-lock=",
                b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
                b"<DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention>"
                b"</Rule></ObjectLockConfiguration>",
            )

    def call(
        self,
        method: str,
        path: str,
        query: str = "",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A request signed with the administrator's key (AWS Signature Version 4)."""
        address = httpx.URL(self.endpoint).netloc.decode()
        at = datetime.now(UTC)
        stamp, day = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}"
        digest = hashlib.sha256(body).hexdigest()
        sent = {"host": address, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        sent |= headers or {}
        names = ";".join(sorted(sent))
        lines = [f"{name}:{sent[name]}" for name in sorted(sent)]
        canonical = "\n".join([method, path, query, *lines, "", names, digest])
        scope = f"{day}/{REGION}/s3/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{SECRET}".encode()
        for part in (day, REGION, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        sent["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names},"
            f" Signature={signature}"
        )
        url = f"{self.endpoint}{path}" + (f"?{query}" if query else "")
        response = httpx.request(
            method, url, content=body, headers=sent, trust_env=False, timeout=20
        )
        response.raise_for_status()
        return response

    def options(self, key: str = KEY, secret: str = SECRET) -> dict[str, Any]:
        """The `options` of a store's file."""
        return {
            "endpoint": self.endpoint,
            "region": REGION,
            "access_key_id": key,
            "secret_access_key": secret,
        }

    def describe(self, folder: Path, name: str, bucket: str, **options: Any) -> None:
        """Write the file of a store, below the prefix `site` of the bucket."""
        content = {"url": f"s3://{bucket}/site", "options": self.options() | options}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def _identities() -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": "admin",
                "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            },
            {
                "name": "writer",
                "credentials": [{"accessKey": WRITER_KEY, "secretKey": WRITER_SECRET}],
                "actions": [],
                "policyNames": ["writes-only"],
            },
        ],
        "policies": [{"name": "writes-only", "content": json.dumps(WRITES_ONLY)}],
    }


@contextmanager
def serving(folder: Path) -> Iterator[S3]:
    """The server, from when it answers on."""
    config, log = folder / "identities.json", folder / "s3.log"
    config.write_text(json.dumps(_identities()), encoding="utf-8")
    ports = {
        name: free_port()
        for name in ("master", "volume", "filer", "s3")
        for name in (f"{name}.port", f"{name}.port.grpc")
    }
    port = ports["s3.port"]
    argv = [
        str(Path(sys.executable).with_name("weed")),
        f"-logdir={folder}",
        "server",
        "-ip=127.0.0.1",
        f"-dir={folder}",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=2000",  # each bucket takes seven
        "-filer",
        "-s3",
        f"-s3.config={config}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name}={number}" for name, number in ports.items()),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdout=output, stderr=output, cwd=folder, env={**os.environ, "HOME": str(folder)}
        )
    s3 = S3(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: _answers(s3), process, log, 60)
        yield s3
    finally:
        # Ending in good order would take it half a minute, and nothing of it is needed.
        process.kill()
        process.wait()


def _answers(s3: S3) -> bool:
    try:
        s3.call("GET", "/")
    except httpx.HTTPError:
        return False
    return True


@pytest.fixture(scope="session")
def s3(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """One server for the whole run of this process; each test makes its own bucket."""
    folder = tmp_path_factory.mktemp("s3")
    pytestconfig.stash[LOGS]["s3"] = folder
    with serving(folder) as server:
        yield server
