from django.db import migrations, models

import scoring.models.policies

# What the machine had settled in spite of a flag goes to people, before all else. The other
# answers of an exam, and those of one that is fixed, stay as they are.
UNSETTLE = """
UPDATE scoring_answer AS answer
SET final_points = NULL, final_source = '', urgency = 1, review_reason = 'flagged',
    review = CASE WHEN answer.review = 'claimed' THEN 'claimed' ELSE 'queued' END
FROM scoring_question AS question JOIN scoring_exam AS exam ON exam.id = question.exam_id
WHERE answer.question_id = question.id AND exam.status IN ('trial', 'marking')
  AND answer.final_source = 'machine' AND answer.flags - 'blank' <> '[]'::jsonb
"""


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0015_folding_of_questions"),
    ]

    operations = [
        migrations.AddField(
            model_name="markingpolicy",
            name="harmless_flags",
            field=models.JSONField(
                blank=True,
                db_default=models.Value(["blank"], models.JSONField()),
                default=scoring.models.policies.usually_harmless,
                verbose_name="flags with which the machine's mark may be final",
            ),
        ),
        migrations.AlterField(
            model_name="answer",
            name="review_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("uncertain", "the machine is unsure"),
                    ("flagged", "the machine flagged it"),
                    ("audit", "drawn for the audit"),
                    ("pass_line", "near the pass line"),
                    ("both", "drawn for the audit, and near the pass line"),
                ],
                db_default="",
                default="",
                max_length=9,
                verbose_name="reason of the review",
            ),
        ),
        migrations.RunSQL(UNSETTLE, migrations.RunSQL.noop),
    ]
