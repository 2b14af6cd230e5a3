"""Written answers beside their reversals, in Japanese and English, and what each turns around.

Each has a criterion's references, answers that are right in the same and in other words, and wrong
answers in nearly the words of the right ones. All of them are invented.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """References of one criterion, right answers, and answers that reverse them by `kind`."""

    language: str
    kind: str
    references: tuple[str, ...]
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    prompt: str = ""


JAPANESE = [
    Case(
        "ja",
        "negation",
        ("利用部門が要件を確認していなかった",),
        ("利用部門による要件の確認が不足していたから", "要件を利用部門が確認しないまま進めたため"),
        ("利用部門が要件を確認していたから", "要件の確認を利用部門が済ませていたため"),
    ),
    Case(
        "ja",
        "negation",
        ("要件の抜け漏れを防ぐ", "要件の漏れをなくす"),
        ("要件に漏れが生じないようにするため", "要件を漏れなく洗い出す狙い"),
        ("要件の漏れを増やすため", "要件に漏れが残るようにするため"),
    ),
    Case(
        "ja",
        "negation",
        ("後の工程での手戻りを避ける",),
        ("後工程で手戻りが起きないようにする", "手戻りの発生を未然に防止する"),
        ("後の工程で手戻りを起こす", "手戻りの発生を避けられなくする"),
    ),
    Case(
        "ja",
        "negation",
        ("テスト項目の観点が不足している",),
        ("テスト項目の観点が足りない", "テストの観点に抜けがあると考えたこと"),
        ("テスト項目の観点が足りている", "テスト項目の観点に不足がない"),
    ),
    Case(
        "ja",
        "negation",
        ("検出されていない欠陥が残っている",),
        ("まだ見つかっていない欠陥が残存していること", "未検出の欠陥が潜んでいること"),
        ("検出されていない欠陥は残っていない", "欠陥が残っていないこと"),
    ),
    Case(
        "ja",
        "negation",
        ("承認を得ずに仕様を変更した",),
        ("仕様の変更が承認なしに行われた", "承認されていないのに仕様を変えた"),
        ("承認を得てから仕様を変更した", "仕様の変更が承認のうえで行われた"),
    ),
    Case(
        "ja",
        "negation",
        ("交代要員への引継ぎが十分に行われていない",),
        ("後任への引継ぎが不十分である", "交代要員に引継ぎがきちんとできていない"),
        ("交代要員への引継ぎが十分に行われている", "交代要員への引継ぎは不十分ではない"),
    ),
    Case(
        "ja",
        "negation",
        ("設計書の品質の低下を防ぐ",),
        ("設計書の品質が低下しないようにする", "設計書の質が落ちるのを防止するため"),
        ("設計書の品質の低下を招く", "設計書の品質が低下するようにする"),
    ),
    Case(
        "ja",
        "negation",
        ("担当者の負荷が特定の人に集中することを避ける",),
        ("負荷が一部の担当者に集中しないようにする", "特定の担当者への負荷の集中を回避する"),
        ("負荷を特定の担当者に集中させる", "特定の人への負荷の集中を進める"),
    ),
    Case(
        "ja",
        "negation",
        ("委託先の作業の進捗を把握できていなかった",),
        ("委託先の進捗が把握されていなかった", "委託先の作業の進み具合が不明だった"),
        ("委託先の作業の進捗を把握できていた", "委託先の進捗の把握に不足はなかった"),
    ),
    Case(
        "ja",
        "negation",
        ("役割分担があいまいだった",),
        ("役割の分担が明確でなかった", "役割分担がはっきりしていなかった"),
        ("役割分担が明確だった", "役割分担があいまいではなかった"),
    ),
    Case(
        "ja",
        "negation",
        ("情報が関係者に共有されていない",),
        ("関係者の間で情報の共有がなされていない", "関係者に情報が共有されないから"),
        ("情報が関係者に共有されている", "関係者の間で情報の共有に漏れがない"),
    ),
    Case(
        "ja",
        "negation",
        ("変更の影響を分析しないと、見積りを誤る",),
        (
            "影響の分析をしなければ見積りを誤るから",
            "変更の影響を分析しなかったら見積りに誤りが出る",
        ),
        ("変更の影響を分析すると、見積りを誤る",),
    ),
    Case(
        "ja",
        "negation",
        ("リスクの対策が計画に含まれていなかった",),
        ("計画にリスクへの対策が入っていなかった", "リスク対策を計画に含めていなかったこと"),
        ("リスクの対策が計画に含まれていた", "計画にはリスクの対策が含まれていたこと"),
    ),
    Case(
        "ja",
        "negation",
        ("経験のある要員が不足していた",),
        ("経験のある要員が足りなかった", "経験者の要員を確保できず不足したため"),
        ("経験のある要員は不足していなかった", "経験のある要員が足りていた"),
    ),
    Case(
        "ja",
        "negation",
        ("障害の再発を防止する",),
        ("同じ障害を二度と再発させないため", "障害が再び起きるのを防ぐこと"),
        ("障害を再発させる", "障害の再発を防止しない"),
    ),
    Case(
        "ja",
        "negation",
        ("利用者が新しい画面の操作に慣れていない",),
        ("利用者が新画面の操作に不慣れである", "新しい画面の操作に利用者が慣れていないから"),
        ("利用者が新しい画面の操作に慣れている", "利用者は新しい画面の操作に慣れているから"),
    ),
    Case(
        "ja",
        "negation",
        ("契約の範囲に保守が含まれるかを確認する",),
        ("保守が契約の範囲に含まれるかどうかを確かめる", "契約範囲に保守が含まれるか確認する"),
        ("契約の範囲に保守が含まれるかを確認しない", "保守が契約に含まれるかの確認を省く"),
    ),
    Case(
        "ja",
        "negation",
        ("過度な残業による疲労を減らす",),
        ("残業が続いて疲労がたまるのを抑える", "残業の疲労を軽減する"),
        ("過度な残業による疲労を増やす", "残業による疲労を減らさない"),
    ),
    Case(
        "ja",
        "negation",
        ("テスト環境が本番環境と一致していない",),
        ("テスト環境と本番環境が一致しないから", "本番環境と同じでないテスト環境だった"),
        ("テスト環境が本番環境と一致している", "テスト環境は本番環境と一致していたから"),
    ),
    Case(
        "ja",
        "negation",
        ("会議の決定事項を記録しておらず、認識がずれた",),
        ("決定事項の記録がなく認識にずれが出た", "会議で決めたことを記録せず、認識が食い違った"),
        ("会議の決定事項を記録しており、認識がずれなかった",),
    ),
    Case(
        "ja",
        "negation",
        ("植物は光がないと光合成ができない",),
        ("光が当たらないと植物は光合成ができないから", "植物の光合成には光が必要だから"),
        ("植物は光がなくても光合成ができる",),
    ),
    Case(
        "ja",
        "number",
        ("月曜日の5時の出荷業務に間に合わせる",),
        ("出荷業務が始まる月曜の5時に間に合わせるため", "月曜日五時からの出荷に間に合わせる"),
        ("月曜日の8時の出荷業務に間に合わせる", "火曜日の5時の出荷業務に間に合わせる"),
    ),
    Case(
        "ja",
        "number",
        ("12月は受注が集中する",),
        ("十二月に受注が集中するから", "12月は受注の量が多い"),
        ("2月は受注が集中する", "十一月は受注が集中するから"),
    ),
    Case(
        "ja",
        "number",
        ("欠陥の件数が基準値の4割にとどまった",),
        ("欠陥が基準値の四割しか出なかった", "欠陥の件数が基準の40%だった"),
        ("欠陥の件数が基準値の8割にとどまった", "欠陥が基準値の60%しか出なかった"),
    ),
    Case(
        "ja",
        "number",
        ("要員を3名増やし、2週間で遅れを取り戻す",),
        ("三名の増員により2週間で遅れを挽回する", "要員を3人追加して二週間で遅れを取り戻す"),
        ("要員を3名増やし、4週間で遅れを取り戻す", "要員を五名増やし、2週間で遅れを取り戻す"),
    ),
    Case(
        "ja",
        "number",
        ("費用が1,500万円を超える",),
        ("費用が1500万円を上回るため", "千五百万円を超える費用が掛かる"),
        ("費用が2,500万円を超える", "費用が百五十万円を超えるため"),
    ),
    Case(
        "ja",
        "number",
        ("水は100度で沸騰する",),
        ("100度になると水が沸騰するから", "水の沸点は百度である"),
        ("水は80度で沸騰する",),
    ),
    Case(
        "ja",
        "cause",
        ("要件の変更が多かったため、設計の作業が遅れた",),
        (
            "設計の作業が遅れたのは、要件の変更が多かったためである",
            "要件の変更が多く、設計の作業に遅れが出た",
        ),
        (
            "設計の作業が遅れたため、要件の変更が多かった",
            "要件の変更が多かったのは、設計の作業が遅れたからである",
        ),
    ),
    Case(
        "ja",
        "cause",
        ("担当者が退職したので、引継ぎの資料が作られなかった",),
        (
            "引継ぎの資料が作られなかったのは担当者が退職したからだ",
            "担当者の退職により引継ぎの資料が作られなかった",
        ),
        ("引継ぎの資料が作られなかったので、担当者が退職した",),
    ),
    Case(
        "ja",
        "cause",
        ("サーバの負荷が高まったことから、応答の時間が延びた",),
        (
            "応答の時間が延びたのはサーバの負荷が高まったためだ",
            "サーバの負荷の高まりによって応答の時間が延びた",
        ),
        (
            "応答の時間が延びたことから、サーバの負荷が高まった",
            "応答の時間の延びによってサーバの負荷が高まった",
        ),
    ),
    Case(
        "ja",
        "cause",
        ("仕様の理解が浅かったために、試験で不具合が多発した",),
        (
            "試験で不具合が多発したのは仕様の理解が浅かったせいである",
            "仕様の理解が浅いことで試験の不具合が多発した",
        ),
        ("試験で不具合が多発したために、仕様の理解が浅くなった",),
    ),
    Case(
        "ja",
        "cause",
        ("気温が上がると、海面の水が蒸発する",),
        ("海面の水が蒸発するのは気温が上がるからである", "気温が上がることで海面の水が蒸発する"),
        ("海面の水が蒸発すると、気温が上がる",),
    ),
]

ENGLISH = [
    Case(
        "en",
        "negation",
        ("The users did not confirm the requirements.",),
        (
            "Requirements were never confirmed by the users.",
            "There was no confirmation of the requirements by users.",
        ),
        (
            "The users did confirm the requirements.",
            "The requirements were confirmed by the users.",
        ),
    ),
    Case(
        "en",
        "negation",
        ("To prevent requirements from being omitted.",),
        ("So that no requirement is omitted.", "To avoid the omission of requirements."),
        ("So that requirements are omitted.", "To let requirements be omitted."),
    ),
    Case(
        "en",
        "negation",
        ("The bulb does not light because the circuit is not closed.",),
        (
            "The circuit isn't closed, so the bulb doesn't light.",
            "It is an unclosed circuit, that is why the bulb does not light.",
        ),
        (
            "The bulb lights because the circuit is closed.",
            "The bulb does not light because the circuit is closed.",
        ),
    ),
    Case(
        "en",
        "negation",
        ("The test items lack coverage of error cases.",),
        (
            "Coverage of error cases is missing from the test items.",
            "The test items do not cover the error cases.",
        ),
        (
            "The test items do not lack coverage of error cases.",
            "The test items cover the error cases.",
        ),
    ),
    Case(
        "en",
        "negation",
        ("Without approval the specification was changed.",),
        (
            "The specification was changed, but it was not approved.",
            "They changed the specification without getting approval.",
        ),
        (
            "The specification was changed with approval.",
            "After approval the specification was changed.",
        ),
    ),
    Case(
        "en",
        "negation",
        ("A stack does not allow access to elements in the middle.",),
        (
            "Elements in the middle of a stack cannot be accessed.",
            "A stack doesn't let you access the middle elements.",
        ),
        (
            "A stack does allow access to elements in the middle.",
            "Elements in the middle of a stack can be accessed.",
        ),
    ),
    Case(
        "en",
        "negation",
        ("The seeds germinate in the dark.",),
        ("In the dark the seeds germinate.", "The seeds can germinate even when it is dark."),
        ("The seeds do not germinate in the dark.", "Seeds never germinate in the dark."),
    ),
    Case(
        "en",
        "negation",
        ("The mixture is a solution because it is clear.",),
        (
            "It is a solution since the mixture is clear.",
            "Because the mixture is clear it is a solution.",
        ),
        (
            "The mixture is not a solution because it is not clear.",
            "The mixture is a solution because it is unclear.",
        ),
    ),
    Case(
        "en",
        "negation",
        ("The load is not concentrated on one person.",),
        (
            "It avoids concentrating the load on one person.",
            "The load isn't concentrated on a single person.",
        ),
        ("The load is concentrated on one person.",),
    ),
    Case(
        "en",
        "negation",
        ("Progress of the contractor was unknown.",),
        (
            "The progress of the contractor was not known.",
            "Nobody knew the progress of the contractor.",
        ),
        ("Progress of the contractor was known.", "The contractor's progress was well known."),
    ),
    Case(
        "en",
        "negation",
        ("Check whether the replacement staff understand the design.",),
        (
            "To check if the replacement staff understand the design.",
            "Find out whether the design is understood by the replacement staff.",
        ),
        ("Do not check whether the replacement staff understand the design.",),
    ),
    Case(
        "en",
        "negation",
        ("Metals conduct electricity.",),
        ("Electricity is conducted by metals.", "Metals are able to conduct electricity."),
        ("Metals do not conduct electricity.", "Metals prevent electricity from being conducted."),
    ),
    Case(
        "en",
        "number",
        ("Water boils at 100 degrees.",),
        ("At one hundred degrees water boils.", "The boiling point of water is 100 degrees."),
        ("Water boils at 80 degrees.", "Water boils at ninety degrees."),
    ),
    Case(
        "en",
        "number",
        ("The work must be finished within 3 days.",),
        ("It must be done within three days.", "Finish the work in at most 3 days."),
        ("The work must be finished within 8 days.", "The work must be finished within five days."),
    ),
    Case(
        "en",
        "number",
        ("Defects reached 40% of the standard.",),
        (
            "Defects were forty percent of the standard.",
            "There were 40 percent of the defects of the standard.",
        ),
        ("Defects reached 80% of the standard.", "Defects were sixty percent of the standard."),
    ),
    Case(
        "en",
        "number",
        ("Shipping starts on Monday at 5 a.m.",),
        ("On Monday shipping begins at 5 a.m.", "Shipping begins Monday at five a.m."),
        ("Shipping starts on Thursday at 5 a.m.",),
    ),
    Case(
        "en",
        "cause",
        ("The design was late because the requirements changed.",),
        (
            "Because the requirements changed, the design was late.",
            "The requirements changed, so the design was late.",
        ),
        (
            "The requirements changed because the design was late.",
            "The design was late, so the requirements changed.",
        ),
    ),
    Case(
        "en",
        "cause",
        ("The water evaporates because the temperature rises.",),
        (
            "The temperature rises and therefore the water evaporates.",
            "Since the temperature rises, water evaporates.",
        ),
        (
            "The temperature rises because the water evaporates.",
            "The water evaporates, therefore the temperature rises.",
        ),
    ),
    Case(
        "en",
        "cause",
        ("Response times grew because the server load increased.",),
        (
            "The server load increased, so response times grew.",
            "Response times grew due to an increase of the server load.",
        ),
        ("The server load increased because response times grew.",),
    ),
    Case(
        "en",
        "cause",
        ("The staff left, so the handover documents were not written.",),
        (
            "The handover documents were not written because the staff left.",
            "Since the staff left, nobody wrote the handover documents.",
        ),
        ("The staff left because the handover documents were not written.",),
    ),
]

CASES = [*JAPANESE, *ENGLISH]
