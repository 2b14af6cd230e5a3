"""Clauses of English: negators mostly deny what follows them, until the clause ends."""

import re
from collections.abc import Iterator

from inference_server.marking.polarity.phrases import Clause, Negator, Word

TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|\d[\d.,]*|[.,;:!?()\n]")
KEEPS = re.compile(
    r"\b(?:not (?:only|just|merely|simply|necessarily|always)|no (?:matter|doubt)|nothing but|"
    r"without (?:doubt|question)|(?:can|could)(?:not| not|n't) (?:help|but)|whether or not|or not|"
    r"no one but|not until|not least|if not)\b"
)
FORWARD = frozenset(
    "not no never without cannot nobody none nothing nowhere neither nor hardly barely scarcely rarely "
    "seldom lack lacks lacked lacking fail fails failed failing failure unable refuse refuses refused "
    "prevent prevents prevented preventing avoid avoids avoided avoiding avoidance stop stops stopped "
    "stopping absence omit omits omitted omitting omission neglect neglects neglected neglecting "
    "forget forgets forgot forgotten prohibit prohibits prohibited forbid forbids forbidden "
    "deny denies denied impossible insufficient inadequate incomplete insufficiently inadequately "
    "unless eliminate eliminates eliminated eliminating remove removes removed removing skip skips "
    "skipped skipping missing missed overlook overlooks overlooked overlooking shortage prevention ain't".split()
)
BACKWARD = frozenset(
    "lacking missing absent insufficient inadequate incomplete prevented avoided stopped omitted neglected "
    "forgotten prohibited forbidden denied impossible eliminated removed skipped missed overlooked failed "
    "fail fails".split()
)
"""Those that, behind a form of "be" or at the end of a clause, deny what stands before them."""
BE = frozenset("is are was were be been being am isn't aren't wasn't weren't".split())
BREAKS = frozenset(
    "because since so but although though while when where which who whose if then thus therefore "
    "hence as however whereas unless until before after that by".split()
)
QUESTION = frozenset(["whether"])
FUNCTION = frozenset(
    "a an the this that these those it its they them their he him his she her we us our you your i my me "
    "is are was were be been being am do does did doing done have has had having will would shall should "
    "can could may might must to of in on at for from with into onto about over under between among and "
    "or both either each every all any some such same other more most much many than very too also just "
    "only there here what how why out up down off again further once own s t".split()
)
LIGHT = frozenset(
    "make makes made making get gets got getting take takes took taken give gives given gave able yet "
    "ever even still well really actually enough sufficient properly correctly fully carefully clearly "
    "completely thing things way ways case be become becomes became occur occurs occurred happen happens "
    "happened cause caused exist exists existed longer allow allows allowed let lets permit permits "
    "permitted enable enables enabled possible".split()
)
NOT_NEGATED = frozenset(
    "under until unit units unite united union unique unless universe universal universally university "
    "uniform uniformly understand understands understood understanding undergo undergoes underneath "
    "underlying unto unfold unfolds uncle undertake".split()
)
ENDINGS = ("ization", "isation", "ations", "ation", "ments", "ment", "ings", "ing", "ions", "ion", "ies", "ied", "ers", "ed", "es", "er", "ly", "s", "e", "y")


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a folded text."""
    lowered = KEEPS.sub(lambda match: "_" * len(match.group()), text.lower())
    items: list[Word | Negator] = []
    is_neutral = False
    previous = ""
    for match in TOKEN.finditer(lowered):
        token, start, end = match.group(), match.start(), match.end()
        if not token[0].isalnum() or token in BREAKS or token in QUESTION:
            yield Clause(items, is_neutral or token == "?")
            items, is_neutral = [], token in ("unless", "whether")
        elif (token in FORWARD and token != "unless") or token.endswith("n't"):
            if token in BACKWARD and previous in BE:
                items.append(Negator(start, end))
            else:
                items.append(Negator(start, end, is_forward=True))
        elif token not in FUNCTION:
            items += _word(token, start, end)
        if not token.endswith("n't") or token in BE:
            previous = token
    yield Clause(items, is_neutral)


def _word(token: str, start: int, end: int) -> list[Word | Negator]:
    if token.startswith("un") and len(token) > 5 and token not in NOT_NEGATED:
        word = Word(start, end, _stem(token[2:]))
        return [word, Negator(start, start + 2)]
    return [Word(start, end, _stem(token), token in LIGHT)]


def _stem(token: str) -> str:
    for ending in ENDINGS:
        is_plural = ending == "s" and token.endswith("ss")
        if token.endswith(ending) and not is_plural and len(token) - len(ending) >= 3:
            return token[: -len(ending)]
    return token
