"""Uploads keep, in words, what was not read of their file and is no row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column with a default."""

    dependencies = [("scoring", "0013_when_exams_are_held")]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="notes",
            field=models.JSONField(
                blank=True, db_default=[], default=list, verbose_name="not read"
            ),
        ),
    ]
