"""Parts of an Office file, and the relations by which one part names another (ECMA-376, part 2).

Programs differ in how they name the parts, and strict files in the namespaces of their types, so a
part is found by the last word of its relation's type.
"""

import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any, NamedTuple

from defusedxml.ElementTree import fromstring

from scoring.documents import archives

MOST_PART = 20 * 1024 * 1024
"""Bytes of a part that is held in memory as a whole."""


class Relation(NamedTuple):
    """`kind` is the last word of the type, and `part` the name of the part in the archive."""

    key: str
    kind: str
    part: str


def relations(archive: zipfile.ZipFile, part: str = "") -> Iterator[Relation]:
    """The relations of a part, or of the whole file; none where it has no list of them."""
    path = PurePosixPath("/") / part
    listing = str(path.parent / "_rels" / f"{path.name}.rels").removeprefix("/")
    if listing not in archive.namelist():
        return
    for node in xml(archive, listing):
        target = PurePosixPath("/") / path.parent / node.get("Target", "")
        name = normpath(target).removeprefix("/")
        yield Relation(node.get("Id", ""), node.get("Type", "").rpartition("/")[2], name)


def main_part(archive: zipfile.ZipFile) -> str:
    """The name of the part that holds the document. Raises KeyError where there is none."""
    for relation in relations(archive):
        if relation.kind == "officeDocument":
            return relation.part
    raise KeyError("officeDocument")


def xml(archive: zipfile.ZipFile, part: str) -> Any:
    """The root of a part's XML, which must not declare entities. Raises KeyError, ParseError."""
    return fromstring(archives.read(archive, archive.getinfo(part), MOST_PART), forbid_dtd=True)


def child(node: Any, name: str) -> Any:
    """The first child of this name, whatever its namespace, or None; None has no children."""
    children = () if node is None else node
    return next((each for each in children if local(str(each.tag)) == name), None)


def value(node: Any, default: str = "", *, name: str = "val") -> str:
    """The attribute of this name, whatever its namespace; `default` without node or attribute."""
    attributes = {} if node is None else node.attrib
    return next((text for key, text in attributes.items() if local(key) == name), default)


def local(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]
