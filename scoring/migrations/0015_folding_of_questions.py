from django.db import migrations, models

import scoring.models.exams


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0014_uploads_say_what_was_not_read"),
    ]

    operations = [
        migrations.AddField(
            model_name="question",
            name="folding",
            field=models.PositiveSmallIntegerField(
                db_default=1, default=scoring.models.exams.present_folding, editable=False
            ),
        ),
    ]
