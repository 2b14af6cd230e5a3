"""A program that extracts the text of PDF files: `python -P pages.py`.

A PDF file can demand any amount of work, so this is a process of its own with limits on time and
memory, which a file may end. It does not import Django.

Standard input: for each file its length, 8 bytes in big-endian order, then its bytes. Standard
output: for each file a line of JSON, [kind, value]. `text` comes with the text, `broken` with the
reason, `pages` and `long` with the limit that was exceeded; `encrypted` and `heavy` (out of memory,
after which the program ends) with an empty string.
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
    """Answer each file until there is no more, or until one has used up the memory."""
    logging.disable()
    _set_limits()
    gc.freeze()
    kind = ""
    while kind != "heavy" and (head := sys.stdin.buffer.read(8)):
        _limit(resource.RLIMIT_CPU, _seconds_used() + SECONDS)
        kind, value = _answer(sys.stdin.buffer.read(int.from_bytes(head)))
        print(json.dumps([kind, value]), flush=True)  # noqa: T201
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
