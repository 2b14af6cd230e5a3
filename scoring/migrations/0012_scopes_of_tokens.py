from django.db import migrations, models

import scoring.models.access


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0011_recent_machine_marks"),
    ]

    operations = [
        # The default is the database's too: versions that do not know the column go on issuing.
        migrations.AddField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(
                blank=True,
                choices=scoring.models.access.scope_choices,
                db_default="",
                default="",
                max_length=20,
                verbose_name="scope",
            ),
        ),
    ]
