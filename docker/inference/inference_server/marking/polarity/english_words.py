"""Words of English that deny, that end clauses, and that say little by themselves."""


def listed(words: str) -> tuple[str, ...]:
    """The words of a text, in their order."""
    return tuple(words.split())


def _set(words: str) -> frozenset[str]:
    return frozenset(listed(words))


BE = _set("is are was were be been being am isn't aren't wasn't weren't")
AUXILIARIES = BE | _set(
    "do does did has have had can could will would shall should may might must don't doesn't "
    "didn't hasn't haven't hadn't can't couldn't won't wouldn't shan't shouldn't cannot"
)
NOT = _set(
    "not never n't dont doesnt didnt isnt arent wasnt werent hasnt havent cant cannot couldnt wont "
    "wouldnt shouldnt"
)
NO = _set(
    "no without nobody none nothing nowhere neither nor hardly barely scarcely rarely seldom "
    "unable insufficiently inadequately shortage absence prevention avoidance omission failure non"
)
VERBS = _set(
    "lack lacks lacked fail fails failed failing refuse refuses refused prevent prevents prevented "
    "preventing avoid avoids avoided avoiding stop stops stopped stopping omit omits omitted "
    "omitting neglect neglects neglected neglecting forget forgets forgot forgotten prohibit "
    "prohibits prohibited forbid forbids forbidden deny denies denied eliminate eliminates "
    "eliminated eliminating skip skips skipped skipping overlook "
    "overlooks overlooked overlooking hinder hinders hindered hindering reject rejects rejected "
    "rejecting ignore ignores ignored ignoring exclude excludes excluded excluding"
)
ADJECTIVES = _set("lacking missing missed absent insufficient inadequate incomplete impossible")
"""Behind a form of "be" these and the verbs deny what stands before them: "it is missing"."""
NEUTRAL = _set("whether unless than instead if when until")
"""After these a clause neither affirms nor denies."""
BREAKS = _set(
    "because since so but although though while where which who whose then thus therefore "
    "hence however whereas before after that by"
)
FUNCTION = AUXILIARIES | _set(
    "a an the this that these those it its they them their he him his she her we us our you your i "
    "my me as doing done having to of in on at for from with into onto about over under between "
    "among and or both either each every all any some such same other more most much many than "
    "very too also just only there here what how why out up down off again further once own s t"
)
LIGHT = _set(
    "make makes made making get gets got getting take takes took taken give gives given gave able "
    "yet ever even still well really actually enough sufficient properly correctly fully carefully "
    "clearly completely thing things way ways case become becomes became occur occurs occurred "
    "happen happens happened cause caused exist exists existed longer allow allows allowed let "
    "lets permit permits permitted enable enables enabled possible"
)
UN = _set(
    "under until unit units unite united union unique unless universe universal universally "
    "university uniform uniformly understand understands understood understanding undergo "
    "undergoes underneath underlying unto unfold unfolds uncle undertake"
)
"""Words that begin with "un" and deny nothing."""
KEEPS = (
    r"\b(?:not (?:only|just|merely|simply|necessarily|always)|no (?:matter|doubt)|nothing but|"
    r"without (?:doubt|question)|(?:can|could)(?:not| not|n't) (?:help|but)|(?:whether )?or not|"
    r"not until|not least|if not|(?:and|but|or|,) not (?=(?:the|an?|by|in|on|to|from|for)\b))\b"
)
ENDINGS = listed(
    "'s ization isation ations ation ments ment ings ing ions ion ies ied ers ed es er ly s e y"
)
NUMBERS = {
    word: value
    for value, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen"
        )
    )
} | {
    word: 10 * tens
    for tens, word in enumerate(
        listed("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6}
WEEKDAYS = listed("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = listed("january february march april june july august september october november december")
"""Without May, which a text in lower case cannot tell from the verb."""
NO_UNIT = _set(
    "of and or to in is are was were be the a an that which by for than from on at it if then as "
    "with when because so but not"
)
"""Words behind a number that is counted in nothing."""
