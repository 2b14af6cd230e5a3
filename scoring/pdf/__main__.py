"""A program that reads PDF files: `python -P scoring/pdf/__main__.py`.

A PDF file can demand any amount of work, so this is a process of its own with limits on time and
memory, which a file may end.

Standard input: for each file its length, 8 bytes in big-endian order, then its bytes. Standard
output: for each file a line of JSON, [kind, page, value, [lines left out, doubtful lines]]. `text`
comes with the text and `typed` with the text of its fields and notes; `broken` is no readable file,
`heavy` ran out of memory, after which the program ends. The other kinds are those of Refused.
"""

import gc
import io
import json
import logging
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import pypdf

sys.path.append(str(Path(__file__).parents[2]))

from scoring.pdf.reading import text
from scoring.pdf.refused import Refused

SECONDS = 20
MOST_MEMORY = 384 * 1024 * 1024
MOST_STREAM = 20 * 1024 * 1024
MOST_OPERATIONS = 500_000
Answer = tuple[str, int, str | int, Sequence[Sequence[str]]]


def main() -> None:
    """Answer each file until there is no more, or until one has used up the memory."""
    logging.disable()
    _set_limits()
    gc.freeze()
    answer: Answer = ("", 0, "", ())
    while answer[0] != "heavy" and (head := sys.stdin.buffer.read(8)):
        _limit(resource.RLIMIT_CPU, _seconds_used() + SECONDS)
        answer = _answer(sys.stdin.buffer.read(int.from_bytes(head)))
        print(json.dumps(answer), flush=True)  # noqa: T201
        gc.collect()  # pypdf's reader refers to itself, and holds the whole file


def _set_limits() -> None:
    _limit(resource.RLIMIT_AS, MOST_MEMORY)
    pypdf.overwrite_configuration(
        maximum_declared_stream_length=MOST_STREAM,
        array_based_stream_maximum_output_length=MOST_STREAM,
        zlib_maximum_output_length=MOST_STREAM,
        lzw_maximum_output_length=MOST_STREAM,
        run_length_maximum_output_length=MOST_STREAM,
        brotli_maximum_output_length=MOST_STREAM,
        stream_parsing_work_maximum_count=MOST_OPERATIONS,
        jbig2dec_binary=None,
    )


def _limit(kind: int, most: int) -> None:
    """Set the soft limit to `most`, or to the hard limit where that is lower."""
    hard = resource.getrlimit(kind)[1]
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (soft, hard))


def _seconds_used() -> int:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return int(usage.ru_utime + usage.ru_stime) + 1  # rounded up


def _answer(data: bytes) -> Answer:
    try:
        read = text(pypdf.PdfReader(io.BytesIO(data)))
    except MemoryError:
        return "heavy", 0, "", ()
    except Refused as refused:
        return refused.kind, refused.page, refused.value, ()
    except Exception as error:  # noqa: BLE001  a broken file makes pypdf raise nearly anything
        return "broken", 0, str(error), ()
    kind = "typed" if read.is_typed else "text"
    return kind, 0, read.text, (read.left_out, read.doubtful)


if __name__ == "__main__":
    main()
