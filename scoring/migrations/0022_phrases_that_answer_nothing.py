from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0021_marks_come_in_files"),
    ]

    operations = [
        migrations.AddField(
            model_name="exam",
            name="no_answers",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                verbose_name="further phrases that answer nothing",
            ),
        ),
    ]
