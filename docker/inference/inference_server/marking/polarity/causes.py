"""What a text names as the cause, and what as its effect, by the connective between them."""

import re
from dataclasses import dataclass

Span = tuple[int, int]
SENTENCE = re.compile(r"[^。.!?！？\n]+")
JAPANESE_BACK = re.compile(
    "(?P<effect>.+?)(?:のは|(?:理由|原因)は)、?(?P<cause>.+?)(?:ため|から|せい|による|によって)"
)
JAPANESE = re.compile(
    "(?P<cause>.+?)(?P<link>ために?|ので|ことから|から(?=、)|ことにより|ことによって|により|によって|ことで|せいで|"
    "(?<=た)結果、?|(?<=[るうくすつむぶ])と、?(?!考|思|判|見|認|言|い[うっわ])|[るけせてねべめれえ]ば)、?(?P<effect>.+)"
)
PURPOSE = re.compile("を.*[るうくすつむぶぐ]$")
"""A cause that ends so, before ため, is a purpose: what comes of the other half."""
ENGLISH_BACK = re.compile(
    r"(?P<effect>.+?)\b(?:because(?: of)?|since|due to|as a result of|caused by)\b(?P<cause>.+)"
)
ENGLISH_FRONT = re.compile(
    r"^\s*(?:because(?: of)?|since|due to|as a result of)\b(?P<cause>.+?),(?P<effect>.+)"
)
ENGLISH = re.compile(
    r"(?P<cause>.+?)\b(?:so that|so|therefore|thus|hence|as a result|consequently|causes?|caused|"
    r"causing|leads? to|led to|results? in|resulted in|makes?|made)\b(?P<effect>.+)"
)


@dataclass(frozen=True)
class Cause:
    """The code points [start, end) of a cause, and those of its effect."""

    cause: Span
    effect: Span


def causes(text: str, language: str) -> list[Cause]:
    """The causes that sentences of a folded text in lower case name together with an effect."""
    find = _japanese if language == "ja" else _english
    named = []
    for sentence in SENTENCE.finditer(text):
        if cause := find(sentence.group()):
            start = sentence.start()
            named.append(Cause(_moved(cause.cause, start), _moved(cause.effect, start)))
    return named


def _moved(span: Span, by: int) -> Span:
    return span[0] + by, span[1] + by


def _japanese(sentence: str) -> Cause | None:
    if match := JAPANESE_BACK.match(sentence):
        return Cause(match.span("cause"), match.span("effect"))
    if not (match := JAPANESE.match(sentence)):
        return None
    if match["link"].startswith("ため") and PURPOSE.search(match["cause"]):
        return Cause(match.span("effect"), match.span("cause"))
    return Cause(match.span("cause"), match.span("effect"))


def _english(sentence: str) -> Cause | None:
    for pattern in (ENGLISH_FRONT, ENGLISH_BACK, ENGLISH):
        if match := pattern.match(sentence):
            return Cause(match.span("cause"), match.span("effect"))
    return None
