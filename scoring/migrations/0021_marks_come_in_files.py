from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0020_html_in_uploads"),
    ]

    operations = [
        migrations.AddField(
            model_name="mark",
            name="from_upload",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="uploaded file"),
        ),
        migrations.AlterField(
            model_name="withdrawal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("upload", "upload"),
                    ("batch", "batch"),
                    ("submission", "submission"),
                    ("marks", "uploaded marks"),
                ],
                max_length=10,
                verbose_name="withdrawn",
            ),
        ),
    ]
