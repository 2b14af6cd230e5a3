"""No secret survives in a text that is kept; what people need to read does."""

import pytest
from pytest_django import Settings

from pmscoring.base.redaction import redacted

CANARY = "Kanarienvogel-4711"


@pytest.mark.parametrize(
    "text",
    [
        f"connection to postgresql://ann:{CANARY}@db:5432/pm failed",
        f"postgres://ann:{CANARY}/with@slash@db/pm",
        f"https://hooks.example/services/T0/{CANARY}",
        f"https://ann:{CANARY}@example/x?y=z",
        f"s3://key:{CANARY}@bucket/prefix?secret={CANARY}",
        f"tgram://{CANARY}/12345",
        f"mailtos://ann:{CANARY}@mail.example",
        f"password={CANARY}",
        f'"aws_secret_access_key": "{CANARY}"',
        f"PGPASSWORD={CANARY} pg_dump",
        f"token: {CANARY}, and more",
        f"Authorization: Bearer {CANARY}",
        f"First start: sign in as admin with the password {CANARY}",
        f"migrate-1  |     password: {CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n",
        f"AGE-SECRET-KEY-1{CANARY.upper()}",
    ],
)
def test_a_secret_is_taken_out(text: str) -> None:
    assert CANARY.lower() not in redacted(text).lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        'pg_dump: error: connection to server at "127.0.0.1", port 5432 failed: timeout',
        'FATAL: password authentication failed for user "ann"',
        "the store offsite refused the key",
        "s3://bucket/prefix/2026",
        "https://minio.example:9000",
        "鍵が違います",
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    ],
)
def test_what_people_need_stays(text: str) -> None:
    assert redacted(text) == text


def test_the_host_of_an_address_stays() -> None:
    assert redacted("redis://:pw@cache:6379/0 is away") == "redis://cache:6379/*** is away"


def test_secrets_that_are_named_or_in_the_settings_are_known(settings: Settings) -> None:
    settings.INFERENCE_TOKEN = "p4ss/w0rd+"
    text = "sent p4ss/w0rd+ and p4ss%2Fw0rd%2B to abcdef"
    assert redacted(text, "abcdef") == "sent *** and *** to ***"


def test_every_row_can_keep_it() -> None:
    assert redacted("no\0 \ud800 row") == "no\N{REPLACEMENT CHARACTER} ? row"
