import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The batch in which an answer arrived has been its submission's so far.
ARRIVED = """
UPDATE scoring_answer AS answer SET batch_id = submission.batch_id
FROM scoring_submission AS submission
WHERE submission.id = answer.submission_id AND submission.batch_id IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0018_requests_that_broke_off"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("upload", "upload"),
                            ("batch", "batch"),
                            ("submission", "submission"),
                        ],
                        max_length=10,
                        verbose_name="withdrawn",
                    ),
                ),
                ("subject", models.BigIntegerField(verbose_name="number")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                (
                    "created_at",
                    models.DateTimeField(auto_now_add=True, verbose_name="withdrawn at"),
                ),
                ("answer_count", models.PositiveIntegerField(default=0, verbose_name="answers")),
                (
                    "marked_count",
                    models.PositiveIntegerField(default=0, verbose_name="marked by people"),
                ),
                (
                    "restored_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="restored at"),
                ),
            ],
            options={
                "verbose_name": "withdrawal",
                "verbose_name_plural": "withdrawals",
                "ordering": ["-pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="answer",
            name="answer_once",
        ),
        migrations.AddField(
            model_name="answer",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="answers",
                to="scoring.batch",
                verbose_name="batch",
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="counts",
            field=models.BooleanField(
                db_default=True, default=True, editable=False, verbose_name="counts"
            ),
        ),
        migrations.AddField(
            model_name="mark",
            name="origin",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=100,
                verbose_name="source of imported marks",
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="conflicts",
            field=models.CharField(
                choices=[
                    ("refuse", "refuse the candidate's rows"),
                    ("skip", "keep the stored answer"),
                    ("replace", "replace the stored answer"),
                ],
                db_default="refuse",
                default="refuse",
                max_length=7,
                verbose_name="other texts than the stored ones",
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="is_preview",
            field=models.BooleanField(db_default=False, default=False, verbose_name="preview"),
        ),
        migrations.AddField(
            model_name="upload",
            name="kind",
            field=models.CharField(
                choices=[("answers", "answers"), ("marks", "marks")],
                db_default="answers",
                default="answers",
                max_length=7,
                verbose_name="contents",
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="preview",
            field=models.JSONField(blank=True, db_default={}, default=dict, verbose_name="preview"),
        ),
        migrations.AddField(
            model_name="upload",
            name="refusal",
            field=models.JSONField(blank=True, db_default={}, default=dict, verbose_name="reason"),
        ),
        migrations.AddField(
            model_name="upload",
            name="source",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=100,
                verbose_name="source of the marks",
            ),
        ),
        migrations.AlterField(
            model_name="submission",
            name="body_hash",
            field=models.CharField(db_default="", default="", editable=False, max_length=64),
        ),
        migrations.AlterField(
            model_name="upload",
            name="status",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("reading", "reading"),
                    ("preview", "to be confirmed"),
                    ("read", "read"),
                    ("refused", "refused"),
                ],
                db_index=True,
                default="waiting",
                max_length=7,
                verbose_name="status",
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="exam",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="withdrawals",
                to="scoring.exam",
                verbose_name="exam",
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="restored_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="restored by",
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="withdrawn_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="withdrawn by",
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="withdrawal",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="answers",
                to="scoring.withdrawal",
                verbose_name="withdrawal",
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="withdrawal",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="submissions",
                to="scoring.withdrawal",
                verbose_name="withdrawal",
            ),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("counts", True)),
                fields=("submission", "question"),
                name="one_answer_counts",
            ),
        ),
        migrations.RunSQL(ARRIVED, migrations.RunSQL.noop),
    ]
