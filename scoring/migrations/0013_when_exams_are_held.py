from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0012_scopes_of_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="exam",
            name="starts_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="held from"),
        ),
        migrations.AddField(
            model_name="exam",
            name="ends_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="held until"),
        ),
        migrations.AddConstraint(
            model_name="exam",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_at", None),
                    ("starts_at", None),
                )
                | models.Q(
                    ("ends_at__gt", models.F("starts_at")),
                    ("ends_at__isnull", False),
                    ("starts_at__isnull", False),
                ),
                name="exams_end_after_they_start",
            ),
        ),
    ]
