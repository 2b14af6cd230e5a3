"""The management commands that may be run in an environment, and the arguments of each.

They look, or make a copy; none of them changes marks, accounts or settings, or shows a secret. What
changes an environment has a verb of its own, with guards that a plain command would go around.
Values are handed over as `--name=value`, so that none of them is taken for an option.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from pmscoring.base.refusals import Refused

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"
BACKUP = r"[0-9A-Za-z-]{1,40}"
PARTS = r"[a-z]+(,[a-z]+)*"
TEXT = r"[^\x00-\x1f]{0,200}"


@dataclass(frozen=True)
class Allowed:
    """Arguments of a command: flags, options with the pattern of their value, and words."""

    flags: frozenset[str] = frozenset({"--json"})
    options: Mapping[str, str] = field(default_factory=dict)
    words: Sequence[str] = ()
    wanted: frozenset[str] = frozenset()
    """Flags without which it would change something."""


COMMANDS: Mapping[str, Allowed] = {
    "agreement": Allowed(words=(NAME, NAME)),
    "audit": Allowed(flags=frozenset({"--json", "--verify"})),
    "backup": Allowed(options={"--plan": NAME, "--only": PARTS, "--note": TEXT}),
    "backups": Allowed(flags=frozenset({"--json", "--all"})),
    "check": Allowed(flags=frozenset({"--deploy"})),
    "migrate": Allowed(flags=frozenset({"--check", "--plan"}), wanted=frozenset({"--check"})),
    "prune": Allowed(flags=frozenset({"--json", "--dry-run"}), wanted=frozenset({"--dry-run"})),
    "showmigrations": Allowed(flags=frozenset({"--plan", "--list"})),
    "verify": Allowed(options={"--store": NAME}, words=(BACKUP,)),
}


def argv(command: object, arguments: object) -> list[str]:
    """`python manage.py …`; raises Refused for a command or an argument that is not allowed."""
    allowed = COMMANDS.get(command) if isinstance(command, str) else None
    if allowed is None:
        words = {"command": str(command)[:50], "all": ", ".join(COMMANDS)}
        raise Refused(_("%(command)s may not be run; these may: %(all)s") % words)
    if not isinstance(arguments, list) or not all(isinstance(word, str) for word in arguments):
        raise Refused(_("arguments must be words"))
    checked = _checked(allowed, list(arguments))
    if missing := sorted(allowed.wanted - set(checked)):
        words = {"command": str(command), "flags": ", ".join(missing)}
        raise Refused(_("%(command)s may be run with %(flags)s only") % words)
    return ["python", "manage.py", str(command), *checked]


def _checked(allowed: Allowed, arguments: list[str]) -> list[str]:
    checked, places = [], list(allowed.words)
    while arguments:
        word = arguments.pop(0)
        name, equals, value = word.partition("=")
        if word in allowed.flags:
            checked.append(word)
        elif name in allowed.options and (equals or arguments):
            value = value if equals else arguments.pop(0)
            checked.append(f"{name}={_matching(value, allowed.options[name])}")
        elif places and not word.startswith("-"):
            checked.append(_matching(word, places.pop(0)))
        else:
            raise _no_argument(word)
    return checked


def _matching(value: str, pattern: str) -> str:
    if not re.fullmatch(pattern, value):
        raise _no_argument(value)
    return value


def _no_argument(word: str) -> Refused:
    return Refused(_("%s is no argument that is allowed here") % word[:50])
