"""Which fields of this app are personal: texts of candidates, and what is made from them."""

from pmscoring.base.personal import declare, emptied, filler, numbered


def register() -> None:
    """Declare every field; texts keep their length, so that pages look as they do."""
    # Secrets; responses with answers in them; what was fitted to answers.
    emptied("scoring.ApiToken", "scoring.IdempotencyKey", "scoring.Artefact")
    emptied("scoring.Lease")
    declare(
        "scoring.Exam",
        "id code title language status starts_at ends_at delete_answers_on no_answers created_at",
    )
    declare("scoring.QuestionGroup", "id exam code label choose over_answering")
    declare(
        "scoring.Question",
        "id exam group position code label language prompt passage max_points step min_count "
        "max_count count over_limit sections ranks digest folding calibration threshold",
    )
    declare("scoring.Criterion", "id question position code label points references keywords")
    declare("scoring.ModelAnswer", "id question text")
    declare("scoring.Batch", "id exam created_at accepted rejected")
    declare(
        "scoring.Submission",
        "id exam batch attempt absent created_at withdrawal",
        candidate=numbered("candidate-"),
        body_hash="",
    )
    declare(
        "scoring.Answer",
        "id submission question batch counts withdrawal status review review_reason urgency "
        "readings answer_group claimed_at not_before tries breaks flags final_points final_source",
        text=filler("text"),
        text_key=numbered(""),
        reason="",
    )
    declare(
        "scoring.Calibration",
        "id claimed_at tries reason question status sha256 model definition metrics stage "
        "fraction requested_by created_at finished_at",
    )
    declare("scoring.Example", "id calibration answer points predicted confidence")
    declare("scoring.Promotion", "id question calibration kind comparison promoted_by created_at")
    declare("scoring.Threshold", "id question calibration value target bound set_by created_at")
    declare(
        "scoring.Mark",
        "id answer source marker points criteria flags confidence calibration model definition "
        "withdraws from_group from_upload origin seconds created_at",
        comment="",
        text_key="",
    )
    declare(
        "scoring.MarkingPolicy",
        "id exam machine_final target_agreement readings tolerance settling shown audit_rate "
        "pass_line pass_margin lease_minutes marker_bound reference_rate harmless_flags",
    )
    declare(
        "scoring.AnswerGroup",
        "id question kind representative distance size created_at held_by held_until",
    )
    declare(
        "scoring.Reference",
        "id answer points criteria qualifies watches created_at",
        explanation="",
    )
    declare(
        "scoring.ReferenceMark",
        "id reference marker purpose round points criteria agrees created_at",
        comment="",
    )
    declare("scoring.Assignment", "id exam marker question created_at")
    declare(
        "scoring.SavedComment", "id exam question author is_shared created_at", text=filler("text")
    )
    # May quote the answer that was on the desk.
    declare(
        "scoring.RubricNote",
        "id question criterion answer author status replied_by replied_at created_at",
        text=filler("text"),
        reply="",
    )
    declare("scoring.Standing", "id exam marker status round agreement changed_at")
    declare(
        "scoring.Upload",
        "id claimed_at tries exam batch size language format status kind source is_preview "
        "conflicts seen accepted rejected created_at",
        file="",
        name=numbered("upload-"),
        rejections=[],
        notes=[],
        preview={},
        refusal={},
        reason="",
    )
    declare(
        "scoring.Withdrawal",
        "id exam kind subject withdrawn_by created_at answer_count marked_count restored_by "
        "restored_at",
        reason="",
    )
