from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Concurrently, so that marks can be written while a long table is read.
    atomic = False

    dependencies = [
        ("scoring", "0010_reference_marks_taken_back"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="mark",
            index=models.Index(
                condition=models.Q(("source", "machine")),
                fields=["-created_at"],
                name="mark_by_machine",
            ),
        ),
    ]
