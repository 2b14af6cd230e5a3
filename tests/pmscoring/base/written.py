"""Texts with everything in them that folding and counting treat specially, for properties."""

from hypothesis import strategies as st

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇯🇵"
ALPHABET = [
    *"あがカｶﾊﾞﾟー漢字𠮷。、",
    *"aA1１ａ-.é",
    *" \u3000\t\r\n\f\u2028",
    *"㍻①ﬁ㌔ªΩ",
    *("か\u3099", "a\u0301", "ﾊﾟ", FAMILY, FLAG, "葛\U000e0100", "\u200b", "\u3099", "\u200d"),
    *"〜～−—“\u200e⻑゛´",
    *("🇯", "\u0600", "\u0903"),
]
WORDS = st.lists(
    st.sampled_from([*"あがカｶﾊﾞﾟー漢字𠮷。、aA1１ａ.é①ﬁΩ", "か\u3099"]), max_size=20
).map("".join)
WRITTEN = st.lists(st.sampled_from(ALPHABET), max_size=20).map("".join)
ANY = WRITTEN | st.text(max_size=20)
