"""Uploads keep their file and are read later: their states, progress and claims."""

from django.db import migrations, models

import scoring.models.uploads


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0002_marks_only_added_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="claimed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="claimed at"),
        ),
        migrations.AddField(
            model_name="upload",
            name="file",
            field=models.FileField(
                blank=True, upload_to=scoring.models.uploads.stored_name, verbose_name="file"
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="reason",
            field=models.CharField(blank=True, max_length=500, verbose_name="reason"),
        ),
        migrations.AddField(
            model_name="upload",
            name="rejected",
            field=models.PositiveIntegerField(default=0, verbose_name="number of rows rejected"),
        ),
        migrations.AddField(
            model_name="upload",
            name="seen",
            field=models.PositiveIntegerField(default=0, verbose_name="rows read"),
        ),
        migrations.AddField(
            model_name="upload",
            name="tries",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="tries"),
        ),
        migrations.AlterField(
            model_name="upload",
            name="rejections",
            field=models.JSONField(blank=True, default=list, verbose_name="rows rejected"),
        ),
        migrations.AlterField(
            model_name="upload",
            name="status",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("reading", "reading"),
                    ("read", "read"),
                    ("refused", "refused"),
                ],
                db_index=True,
                default="waiting",
                max_length=7,
                verbose_name="status",
            ),
        ),
    ]
