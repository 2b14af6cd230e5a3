"""Characters that look alike and that NFKC keeps apart: which of them stands for the others."""

ALIKE = {
    "~": "\u301c\u223c\u02dc\u2053\u3030",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2500\ufe58",
    "'": "\u0060\u00b4\u2018\u2019\u201a\u201b\u2032\uff40",
    '"': "\u201c\u201d\u201e\u201f\u2033\u301d\u301e\u301f",
    "\u30fb": "\u00b7\u0387\u2022\u2027\u2219\u22c5\u2e31",
    "\u2016": "\u2225",
    "\u00b0": "\u02da",
    "\u00a5": "\\\uff3c",
    "\u02c9": "\u00af\u203e\uffe3",
    "\u2026": "\u22ef",
    "\u3099": "\u309b",
    "\u309a": "\u309c",
}
"""Signs that encodings of Japanese convert to different code points, or that office programs put in
place of what was typed: wave dash, minus, quotes, middle dot, yen sign, voiced sound mark."""

RADICALS = """
⺁厂 ⺂乛 ⺃乚 ⺄乙 ⺅亻 ⺆冂 ⺇𠘨 ⺈刀 ⺉刂 ⺊卜 ⺋㔾 ⺌小
⺍小 ⺎兀 ⺏尣 ⺐尢 ⺑𡯂 ⺒巳 ⺓幺 ⺔彑 ⺕彐 ⺖忄 ⺗心 ⺘扌
⺙攵 ⺛旡 ⺜日 ⺝月 ⺞歺 ⺠民 ⺡氵 ⺢氺 ⺣灬 ⺤爫 ⺥爫 ⺦丬
⺧牛 ⺨犭 ⺩王 ⺪𤴔 ⺫目 ⺬示 ⺭礻 ⺮𥫗 ⺯糹 ⺰纟 ⺱罓 ⺲罒
⺳㓁 ⺴冗 ⺵𦉫 ⺶羊 ⺷𦍌 ⺸𦍋 ⺹耂 ⺺肀 ⺻聿 ⺼肉 ⺽𦥑 ⺾艹
⺿艹 ⻀艹 ⻁虎 ⻂衤 ⻃覀 ⻄西 ⻅见 ⻆角 ⻇𧢲 ⻈讠 ⻉贝 ⻊𧾷
⻋车 ⻌辶 ⻍辶 ⻎辶 ⻏邑 ⻐钅 ⻑長 ⻒镸 ⻓长 ⻔门 ⻕𨸏 ⻖阝
⻗雨 ⻘青 ⻙韦 ⻚页 ⻛风 ⻜飞 ⻝食 ⻞𩙿 ⻟飠 ⻠饣 ⻡𩠐 ⻢马
⻣骨 ⻤鬼 ⻥鱼 ⻦鸟 ⻧卤 ⻨麦 ⻩黄 ⻪黾 ⻫斉 ⻬齐 ⻭歯 ⻮齿
⻯竜 ⻰龙 ⻱龜 ⻲亀 ㇆𠃌 ㇏乀 ㇐一 ㇑丨 ㇒丿 ㇓丿 ㇔丶 ㇕𠃍
㇖乛 ㇗𠃊 ㇘𠃎 ㇙𠄌 ㇚亅 ㇛𡿨 ㇜𠃋 ㇝乀 ㇞𠃑 ㇟乚 ㇠乙 ㇡𠄎
"""
"""Parts of characters that some input methods and PDF files have in place of the whole character,
each with the unified ideograph (Unicode's property Equivalent_Unified_Ideograph). NFKC has those of
Kangxi already."""

TABLE = {
    **{ord(other): sign for sign, others in ALIKE.items() for other in others},
    **{ord(pair[0]): pair[1] for pair in RADICALS.split()},
}
