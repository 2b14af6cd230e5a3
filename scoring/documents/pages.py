"""The program that reads PDF files handed to it one after another: `python -P pages.py`.

A file may ask for any amount of work, so this runs as a process of its own, within limits, and may
be lost to one of them. Each file comes on standard input behind its length, 8 bytes, the highest
first; each answer goes out as a line of JSON, [kind, what is told]. It knows no Django.
"""

import gc
import io
import json
import logging
import resource
import sys
from typing import Any

import pypdf

SECONDS = 20
MOST_MEMORY = 384 * 1024 * 1024
MOST_PAGES = 100
MOST_TEXT = MOST_STREAM = 20 * 1024 * 1024
MOST_OPERATIONS = 500_000
Answer = tuple[str, Any]


def main() -> None:
    """Answer each file until there is no more, or one has taken all the memory."""
    logging.disable()
    _confine()
    gc.freeze()
    kind = ""
    while kind != "heavy" and (head := sys.stdin.buffer.read(8)):
        _limit(resource.RLIMIT_CPU, _seconds_used() + SECONDS)
        kind, told = _answer(sys.stdin.buffer.read(int.from_bytes(head)))
        print(json.dumps([kind, told]), flush=True)  # noqa: T201
        gc.collect()  # a reader refers to itself, and holds a whole file


def _confine() -> None:
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


def _limit(what: int, most: int) -> None:
    """The lower of `most` and what the system allows."""
    hard = resource.getrlimit(what)[1]
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (soft, hard))


def _seconds_used() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


def _answer(data: bytes) -> Answer:
    try:
        return _text(pypdf.PdfReader(io.BytesIO(data)))
    except MemoryError:
        return "heavy", ""
    except Exception as error:  # noqa: BLE001  a broken file makes pypdf raise nearly anything
        return "broken", str(error)


def _text(reader: pypdf.PdfReader) -> Answer:
    if reader.is_encrypted:
        return "encrypted", ""
    if len(reader.pages) > MOST_PAGES:
        return "pages", MOST_PAGES
    texts: list[str] = []
    left = MOST_TEXT
    for page in reader.pages:
        texts.append(page.extract_text())
        left -= len(texts[-1])
        if left < 0:
            return "long", MOST_TEXT
    return "text", "\n".join(texts)


if __name__ == "__main__":
    main()
