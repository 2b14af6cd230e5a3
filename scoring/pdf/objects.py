"""Entries of a file's dictionaries, which may be references to objects elsewhere in the file."""

from typing import Any

from pypdf.generic import DictionaryObject


def entry(owner: Any, name: str, default: Any = None) -> Any:
    """The object that a dictionary has under a name, wherever in the file it stands."""
    value = dict.get(owner, name) if isinstance(owner, dict) else None
    value = value.get_object() if value is not None else None
    return default if value is None else value


def dictionary(owner: Any, name: str) -> Any:
    """The same where it is a dictionary, or else an empty one."""
    value = entry(owner, name)
    return value if isinstance(value, DictionaryObject) else DictionaryObject()


def array(owner: Any, name: str) -> Any:
    """The same where it is an array, or else an empty one."""
    value = entry(owner, name)
    return value if isinstance(value, list) else []
