"""Texts that earn nothing at a question: what a calibration learns besides people's marks.

People mark honest answers, so that their marks alone say nothing of a text about something else: a
learner gives it what answers earn on average. What answers the exam's other questions, and talk
about no exam at all, is therefore learned as worth nothing, as long as an answer and several times
as long. Words in disorder and copies are no part of it: flags tell them, and leave them no points.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from inference_server.marking.sheet import reference_texts
from pmscoring.base import texts

LEAST, MOST = 12, 60
"""How many there are: a fifth of the answers, within these bounds."""
SHORTEST, LONGEST = 20, 2000
"""Characters of texts in a row; JOINED of them are made."""
JOINED = 5
CHATTER = {
    "ja": (
        "先週の休みには、家族で動物園に出かけてペンギンを見た。",
        "朝のラジオ体操を続けると、体が軽くなる気がする。",
        "庭のトマトが赤くなったので、サラダにして食べた。",
        "新しく出た漫画が面白くて、夜更かしをしてしまった。",
        "お弁当には卵焼きと唐揚げを入れてほしいと息子に頼まれた。",
        "今年の夏は暑い日が多く、かき氷がよく売れたそうだ。",
        "姉の結婚式で、久しぶりに従兄弟たちと話ができた。",
        "野球の試合は延長戦になり、最後は逆転で勝った。",
        "時間が足りず書けませんでしたが、一生懸命に勉強しました。",
        "お忙しいところ恐れ入りますが、どうかよろしくお願いいたします。",
    ),
    "en": (
        "Last weekend the whole family went to the zoo to see the penguins.",
        "The tomatoes in the garden are ripe, so there will be salad for dinner.",
        "My favourite team lost the match in the last minute of extra time.",
        "He ordered a large pizza with mushrooms and shared it with his sister.",
        "It has been snowing since Tuesday and the roads are closed.",
        "She is learning to play the guitar and practises every evening.",
        "The new film was so long that half of the audience fell asleep.",
        "Our holiday by the lake was short, but the weather was lovely.",
        "I studied very hard for this test and hope that you had a nice day.",
        "Thank you for reading this far, and please be kind with the grade.",
    ),
}
"""Written for this: nothing that any exam asks for."""


def worthless_texts(
    question: dict[str, Any], answers: Sequence[str], foreign: Sequence[str]
) -> list[str]:
    """Distinct folded texts; the same for the same question, folded `answers` and `foreign` texts.

    `foreign` are texts that answer other questions. None of the answers and references is among
    the texts.
    """
    count = min(max(len(answers) // 5, LEAST), MOST)
    length = int(np.median([len(text) for text in answers])) if answers else 0
    own = {"", *answers, *(text for right in reference_texts(question) for text in right)}
    made: dict[str, None] = {}
    for sources in (foreign, CHATTER[question["language"]]):
        folded = (texts.folded(text)[:LONGEST] for text in sources)
        others = [text for text in folded if text not in own]
        made |= dict.fromkeys([*_some(others, count), *_joined(others, length)])
    return [text for text in made if text not in own]


def _some(sources: Sequence[str], count: int) -> list[str]:
    """So many of the texts, or all of them, from all over."""
    places = np.linspace(0, len(sources) - 1, min(count, len(sources))).astype(int)
    return [sources[place] for place in np.unique(places)]


def _joined(sources: Sequence[str], length: int) -> Iterator[str]:
    """The texts one after the other, from another one on each time: of `length` up to LONGEST."""
    lengths = np.geomspace(max(length, SHORTEST), LONGEST, JOINED).astype(int).tolist()
    for turn, most in enumerate(lengths):
        start = turn * len(sources) // JOINED
        row = "\n".join([*sources[start:], *sources[:start], ""])
        repeated = row * (most // max(len(row), 1) + 1)
        yield texts.folded(repeated[:most])
