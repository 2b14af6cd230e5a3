"""Sample sentences, a question, and texts of any length made of the sentences by a fixed rule."""

from typing import Any

JAPANESE = (
    "利用部門の責任者が要件の確認会に一度も出席しなかった。",
    "ベンダーとの役割分担が契約書に明記されておらず、作業が漏れた。",
    "結合テストの欠陥件数が基準値を下回ったので、観点の不足を疑った。",
    "稼働の三か月前に法改正の内容が確定し、仕様を見直した。",
    "進捗会議では遅れの理由を問い、責任を追及しないと決めた。",
    "コンティンジェンシー予備の半分を、移行リハーサルの追加に充てた。",
    "キーパーソンの異動に備えて、判断の根拠を議事録に残した。",
    "現場の担当者は、例外処理こそ大切だと話していた。",
    "オフショア拠点との時差は五時間半で、質問の回答に一日掛かる。",
    "品質指標は、レビュー密度とテスト密度の二つを週ごとに見る。",
)
ENGLISH = (
    "The sponsor approved the baseline before the suppliers had agreed on it. ",
    "Two engineers left in spring, and nobody had written down how the batch works. ",
    "We compared both systems every night for a fortnight. ",
    "A risk without an owner is a wish, so each of ours has a name and a date. ",
    "The defect rate fell because the tests had become easier, not the code better. ",
    "Scope crept in through the weekly meeting, one small favour at a time. ",
    "The cut-over plan says who decides to go back, and until which hour. ",
)
QUESTION: dict[str, Any] = {
    "language": "ja",
    "prompt": "遅れの原因を述べよ。",
    "passage": "",
    "max_points": 6,
    "step": 1,
    "limits": {"min": None, "max": None, "count": "characters", "over_limit": "flag"},
    "criteria": [
        {
            "code": "C1",
            "label": "要件の未確認",
            "points": 4,
            "references": ["利用部門が要件を確認していなかった"],
            "keywords": ["要件"],
        },
        {
            "code": "C2",
            "label": "役割分担のあいまいさ",
            "points": 2,
            "references": ["ベンダーとの役割分担があいまいだった"],
            "keywords": [],
        },
    ],
    "model_answers": ["利用部門が要件を確認せず、ベンダーとの役割分担もあいまいだったから"],
    "sections": [],
}


def texts(number: int, longest: int) -> list[str]:
    """`number` distinct texts of a few characters to `longest`, most of them short."""
    return [_text(index, _length(index / (number - 1), longest)) for index in range(number)]


def _length(share: float, longest: int) -> int:
    return round(3 + (longest - 3) * share**8)


def _text(index: int, length: int) -> str:
    sentences = ENGLISH if index % 3 == 2 else JAPANESE
    first, stride = index % len(sentences), 1 + index // len(sentences) % 5
    order = (sentences[(first + stride * k) % len(sentences)] for k in range(length))
    text = f"{index}"
    while len(text) < length:
        text += next(order)
    return text[: max(length, len(str(index)))]
