"""Which commands of manage.py are pointed at the installation of VAR_DIR.

Of the standard library alone, and imports nothing of PostgreSQL's before it is needed: the
containers have a DATABASE_URL, and none of the embedded installation's packages.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from pmscoring.base import env
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.folders import var_folder

# Neither need a database nor start one. `demo` and a bare `run` start an installation themselves.
WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "compilemessages",
    "demo",
    "diffsettings",
    "findstatic",
    "generateschema",
    "health_check",
    "help",
    "makemessages",
    "makemigrations",
    "optimizemigration",
    "run",
    "sendtestemail",
    "spectacular",
    "startapp",
    "startproject",
    "version",
}

# Makes the installation that there is not yet: on a bare host it is the first command.
MAKES_INSTALLATION = {"restore"}


@contextmanager
def database_for(argv: Sequence[str]) -> Iterator[None]:
    """Provide the command of this command line with a database, or exit with the reason.

    Where DATABASE_URL is set nothing is done: whoever names a database names all the rest too.
    """
    with ExitStack() as held:
        try:
            command, words = command_of(argv)
            if needs_database(command, words) and not env.text("DATABASE_URL", ""):
                from pmscoring.embedded.attachment import attached

                made = attached(var_folder(), make=command in MAKES_INSTALLATION)
                held.enter_context(made)
        except (CannotStart, env.BadSetting) as error:
            sys.exit(f"pmscoring: {error}")
        except ModuleNotFoundError as error:
            sys.exit(f"pmscoring: DATABASE_URL is not set, and {error.name} is not installed")
        yield


def needs_database(command: str, words: Sequence[str]) -> bool:
    """Whether the command asks a database; `run ENV COMMAND` does."""
    return command not in WITHOUT_DATABASE or (command == "run" and bool(words))


def command_of(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The command of the command line, `help` where it asks for that, and its words."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("command", nargs="?", default="help")
    parser.add_argument("-h", "--help", action="store_true")
    options, rest = parser.parse_known_args(argv[1:])
    words = [word for word in rest if not word.startswith("-")]
    return ("help" if options.help else str(options.command)), words
