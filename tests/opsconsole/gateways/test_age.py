"""Encryption: opened by the identity alone, also by the standard tool, and never half."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from pyrage import x25519

from opsconsole.gateways import age
from opsconsole.gateways.age import AgeError, WrongIdentity

CONTENT = os.urandom(300_000)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The file of a new secret key, as age-keygen writes it."""
    key = x25519.Identity.generate()
    path = tmp_path / "identity"
    path.write_text(f"# public key: {key.to_public()}\n{key}\n")
    return path


def public(identity: Path) -> str:
    return identity.read_text().split()[3]


@pytest.fixture
def encrypted(identity: Path, tmp_path: Path) -> Path:
    """A file that only this identity opens."""
    (tmp_path / "plain").write_bytes(CONTENT)
    age.encrypt(tmp_path / "plain", tmp_path / "plain.age", [public(identity)])
    return tmp_path / "plain.age"


def test_the_identity_opens_it(encrypted: Path, identity: Path, tmp_path: Path) -> None:
    age.decrypt(encrypted, tmp_path / "again", age.identities(identity))
    assert (tmp_path / "again").read_bytes() == CONTENT
    assert CONTENT[:64] not in encrypted.read_bytes()


def test_the_standard_tool_opens_it(encrypted: Path, identity: Path, tmp_path: Path) -> None:
    if not shutil.which("age"):
        pytest.skip("Debian's package age is not installed")
    output = str(tmp_path / "again")
    subprocess.run(["age", "-d", "-i", str(identity), "-o", output, str(encrypted)], check=True)
    assert (tmp_path / "again").read_bytes() == CONTENT


def test_another_identity_does_not_open_it(encrypted: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(f"{x25519.Identity.generate()}\n")
    with pytest.raises(WrongIdentity, match=r"plain\.age was not encrypted to this identity"):
        age.decrypt(encrypted, tmp_path / "again", age.identities(other))
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("kept", [0, 10, 150, 100_000, len(CONTENT)])
def test_a_file_that_was_cut_off_leaves_nothing(
    kept: int, encrypted: Path, identity: Path, tmp_path: Path
) -> None:
    encrypted.write_bytes(encrypted.read_bytes()[:kept])
    with pytest.raises(AgeError, match="damaged"):
        age.decrypt(encrypted, tmp_path / "again", age.identities(identity))
    assert not (tmp_path / "again").exists()


def test_a_flipped_bit_leaves_nothing(encrypted: Path, identity: Path, tmp_path: Path) -> None:
    content = bytearray(encrypted.read_bytes())
    content[-1000] ^= 1
    encrypted.write_bytes(content)
    with pytest.raises(AgeError, match="damaged"):
        age.decrypt(encrypted, tmp_path / "again", age.identities(identity))
    assert not (tmp_path / "again").exists()


def test_what_the_heartbeat_raises_passes_through_and_leaves_nothing(
    identity: Path, tmp_path: Path
) -> None:
    class ClaimLost(Exception):
        pass

    def alive() -> None:
        raise ClaimLost

    (tmp_path / "plain").write_bytes(CONTENT)
    with pytest.raises(ClaimLost):
        age.encrypt(tmp_path / "plain", tmp_path / "plain.age", [public(identity)], alive)
    assert not (tmp_path / "plain.age").exists()


def test_recipients_are_read_one_a_line_and_checked(identity: Path) -> None:
    key = public(identity)
    assert age.recipients(f"\n{key}  # the safe\n# nobody\n{key}\n") == [key]
    with pytest.raises(AgeError, match="line 2 is not a public key"):
        age.recipients(f"{key}\nage1nonsense")


def test_a_secret_key_is_refused_as_a_recipient_and_not_repeated() -> None:
    secret = str(x25519.Identity.generate())
    with pytest.raises(AgeError, match="secret key") as failure:
        age.recipients(secret)
    assert secret not in str(failure.value)


@pytest.mark.parametrize("content", ["", "# nothing\n", "AGE-SECRET-KEY-1NONSENSE\n"])
def test_what_is_no_identity_is_refused_and_not_repeated(content: str, tmp_path: Path) -> None:
    (tmp_path / "identity").write_text(content)
    with pytest.raises(AgeError) as failure:
        age.identities(tmp_path / "identity")
    assert "NONSENSE" not in str(failure.value)
