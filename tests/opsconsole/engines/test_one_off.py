"""What is kept of the output of a one-off."""

import json

from opsconsole.engines.one_off import _lines


def test_a_document_of_one_long_line_arrives_whole() -> None:
    document = json.dumps({"files": {f"{number}.yaml": "a" * 64 for number in range(200)}})
    chunks = (document[at : at + 1000].encode() for at in range(0, len(document), 1000))
    assert list(_lines([*chunks, b"\nnext\n"])) == [document, "next"]
