"""Conventional phrases by which candidates say that they answer nothing: 無回答, 特になし, N/A.

They count where they are the whole text, in whatever kana and with whatever punctuation, and never
inside an answer. Where a right answer is such a phrase, phrases that mean the same are answers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

import regex

from pmscoring.base import texts

LONGEST = 80
"""Code points of the longest text that is compared with the phrases."""
BETWEEN = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
HIRAGANA = str.maketrans({chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)})
MARKS = regex.compile(r"[\s?.,・、。…~〜/ー―—–-]+")
"""Question marks, dots, dashes or a stroke, which stand in for an answer by themselves."""
PIECES = r"(?:(?P<phrase>\L<phrases>)|\L<around>)++"


def _pattern(phrases: str, around: str) -> "regex.Pattern[str]":
    """Texts made of these phrases, one at least, and of what may stand around them.

    Both are separated by spaces, and written as `_bare` leaves a text.
    """
    return regex.compile(PIECES, phrases=phrases.split(), around=around.split())


KINDS = {
    "nothing": _pattern(
        "なし 無し ない 無い なかった ありません 有りません ございません 該当せず"
        " na none nil nothing nothingtosay nothingtowrite nothinginparticular notapplicable",
        "特に 特には とくに とくには 何も なにも 該当 回答 回答は 解答 解答は 答え 答えは 記入 記載"
        " です でした でございます",
    ),
    "unknown": _pattern(
        "わかりません 分かりません 判りません 解りません 分りません わからない 分からない 判らない"
        " 解らない 分らない わからん 分からん わからなかった 分からなかった 知りません 知らない"
        " 知らなかった 存じません 存じ上げません 思いつきません 思いつかない 思いつかなかった"
        " 思い付きません 思い付かない 思い浮かびません 思い浮かばない 忘れました 忘れた"
        " 忘れてしまいました わすれました 覚えていません 覚えてません 覚えていない おぼえていません"
        " 思い出せません 思い出せない ど忘れしました どわすれしました 答えられません 答えられない"
        " 解けません 解けない 書けません 書けない 不明 ふめい"
        " dontknow donotknow didntknow didnotknow dontremember donotremember cantremember"
        " cannotremember cantanswer cannotanswer couldntanswer unabletoanswer forgot idk dunno"
        " noidea noclue notsure unsure unknown didntstudy didnotstudy",
        "すみません すいません ごめんなさい 申し訳ありません 申し訳ございません が けど"
        " 特に とくに 全く まったく 全然 ぜんぜん さっぱり よく 正直 何も なにも 私 に は も"
        " が の この これ 問題 設問 問い 質問 答え こたえ 解答 回答 正解 意味 です でした だ"
        " sorry but i we really honestly just still have had ive am im absolutely"
        " the this that it one answer question how what why to do say write means about at"
        " all",
    ),
    "left out": _pattern(
        "無回答 無解答 未回答 未解答 無記入 未記入 無答 解答できません 回答できません 解答できず"
        " 回答できず 空欄 空白 白紙 ぶらんく 棄権 省略 略 以下略 降参 勉強不足"
        " ぎぶあっぷ お手上げ ぱす すきっぷ のーこめんと 時間切れ 時間ぎれ たいむあっぷ"
        " たいむおーばー 時間が足りませんでした 時間がありませんでした 時間がなくなりました"
        " noanswer noresponse noreply notanswered unanswered notattempted didnotanswer didntanswer"
        " blank leftblank leftitblank skip skipped pass nocomment outoftime ranoutoftime"
        " timeranout timesup timeisup notime notimeleft giveup gaveup",
        "すみません すいません ごめんなさい 申し訳ありません 申し訳ございません が"
        " です でした だ で します しました とします にします でお願いします のため により"
        " になりました 時間不足"
        " given i sorry",
    ),
}
"""By what they mean. How a text is read is greedy, so that it takes no longer than its length."""


@dataclass(frozen=True)
class NoAnswers:
    """The phrases of a question: of which kinds, whether marks alone, and further ones, bare."""

    kinds: tuple[str, ...]
    marks: bool
    further: frozenset[str]

    @classmethod
    def of(cls, further: Iterable[str], right: Collection[str]) -> Self:
        """The phrases, but for those that mean the same as one of these folded right answers."""
        bare = [_bare(answer) for answer in right]
        return cls(
            tuple(kind for kind in KINDS if not any(_says(text, kind) for text in bare)),
            not any(map(MARKS.fullmatch, right)),
            frozenset(_bare(texts.folded(phrase)) for phrase in further) - {"", *bare},
        )

    def has(self, folded: str) -> bool:
        """Whether the folded text is nothing else than such phrases."""
        if len(folded) > LONGEST:
            return False
        if MARKS.fullmatch(folded):
            return self.marks
        text = _bare(folded)
        return text in self.further or any(_says(text, kind) for kind in self.kinds)


def _says(bare: str, kind: str) -> bool:
    match = KINDS[kind].fullmatch(bare)
    return match is not None and match["phrase"] is not None


def _bare(folded: str) -> str:
    """The letters and digits in lower case and hiragana."""
    return BETWEEN.sub("", folded.lower()).translate(HIRAGANA)
