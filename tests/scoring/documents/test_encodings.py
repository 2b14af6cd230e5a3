"""Text files in the encodings that people send, and those that only look like one of them."""

import io
from pathlib import Path

import pytest

from scoring.documents import BadDocument, encodings
from scoring.documents.encodings import decoded
from tests.scoring.documents import reading

pytestmark = pytest.mark.usefixtures("english")
TABLE = "candidate,question,text\r\ne01,Q1,要件が変わり合意も不足し①\r\ne02,Q1,ﾔﾏﾀﾞ\r\n"
ANSWERS = [
    {"candidate": "e01", "question": "Q1", "text": "要件が変わり合意も不足し①"},
    {"candidate": "e02", "question": "Q1", "text": "ﾔﾏﾀﾞ"},
]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_it_reads_the_same_answers_from_each_encoding(tmp_path: Path, encoding: str) -> None:
    bom = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path = tmp_path / "stored"
    path.write_bytes((bom + TABLE).encode(encoding))
    assert [row for _, row in reading.rows("a.csv", path)] == ANSWERS


@pytest.mark.parametrize("size", [41, 42, 43, 44])
def test_a_character_across_two_blocks_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(encodings, "BLOCK", size)
    path = tmp_path / "stored"
    path.write_bytes(TABLE.encode())
    assert encodings.encoding_of(path) == "utf-8-sig"
    path.write_bytes(TABLE.encode() + b"\xe3\x81\r\n")
    with pytest.raises(BadDocument, match=rf"byte {len(TABLE.encode()) + 1} \(line 4\)"):
        encodings.encoding_of(path)


@pytest.mark.parametrize("cut", range(1, 3))
def test_utf_8_that_is_cut_inside_a_character_is_not_read_as_cp932(cut: int) -> None:
    damaged = (
        TABLE.replace("し①", "し").encode().replace("し\r".encode(), "し".encode()[:cut] + b"\r")
    )
    assert damaged.decode("cp932", "replace")
    with pytest.raises(BadDocument, match=r"byte 6\d \(line 2\) is not UTF-8"):
        decoded(damaged)


@pytest.mark.parametrize("text", ["a,Q1,○\n", "The plan ○ changed\n"])
def test_the_only_character_that_is_cut_is_not_read_as_cp932(text: str) -> None:
    damaged = text.encode().replace("○".encode(), "○".encode()[:2])
    assert damaged.decode("cp932")
    with pytest.raises(BadDocument, match="is not UTF-8"):
        decoded(damaged)


@pytest.mark.parametrize("piece", ["合意", "要件", "要件変更"])
def test_a_piece_of_utf_8_in_a_cp932_text_is_refused(piece: str) -> None:
    head = (TABLE + "e03,Q1,").encode("cp932")
    assert (head + piece.encode()).decode("cp932")
    with pytest.raises(BadDocument, match=rf"byte {len(head) + 1} \(line 4\) is UTF-8 in a CP932"):
        decoded(head + piece.encode() + b"\r\n")


@pytest.mark.parametrize("text", ["要件", "齋藤", "瀧澤恵", "ﾔﾏﾀﾞ,ﾀﾛｳ", "稟議,綺麗", "鷹,雉"])
def test_rare_kanji_in_cp932_are_read(text: str) -> None:
    assert decoded(f"e01,{text},要\n".encode("cp932")) == f"e01,{text},要\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["かながき", "要件が途中で変わったから"])
def test_utf_16_without_ascii_is_not_read_as_other_characters(encoding: str, text: str) -> None:
    with pytest.raises(BadDocument, match="probably UTF-16"):
        decoded(text.encode(encoding))


def test_it_names_the_byte_at_fault_after_a_byte_order_mark() -> None:
    with pytest.raises(BadDocument, match=r"byte 6 \(line 1\) is not UTF-8"):
        decoded(b"\xef\xbb\xbfab\x93cd")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (TABLE.replace("①", "").replace("ﾔﾏﾀﾞ", "").encode("iso2022_jp"), "ISO-2022-JP"),
        (TABLE.replace("①", "").encode("euc_jp"), "EUC-JP"),
        ("candidate,question,text\ne01,Q1,It’s the team’s\n".encode("cp1252"), "Windows-1252"),
        ("The plan’s scope – changed".encode("mac_roman"), "Windows-1252"),
        (TABLE.encode("utf-32"), "UTF-32"),
        (TABLE.encode("utf-16-le"), "without a byte order mark"),
        ("c1,5\xa0€\n".encode("cp1252"), "Windows-1252"),
        (b"candidate\n\x81\xff", r"nor CP932 \(byte 11, line 2\)"),
        (b"\xff\xfea\x00b", "byte 5 .line 1. is not UTF-16"),
    ],
)
def test_it_refuses_other_encodings_by_their_name(data: bytes, reason: str) -> None:
    with pytest.raises(BadDocument, match=reason):
        decoded(data)


@pytest.mark.parametrize(
    "text", ["要件", "ｱｲｳ", "アイウ", "表、", "Ａ×Ｂ", "~ \\", "者", "予算", ""]
)
def test_short_texts_in_cp932_are_read(text: str) -> None:
    assert decoded(text.encode("cp932")) == text


def test_jsonl_in_utf_16_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_bytes(io.StringIO("{}\n").getvalue().encode("utf-16"))
    with pytest.raises(BadDocument, match="UTF-16 is not supported in JSONL"):
        list(reading.rows("a.jsonl", path))
