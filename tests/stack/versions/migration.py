"""`migration.py KIND` writes a migration of that kind after the last one of scoring."""

import os
import sys
from pathlib import Path

import django
from django.db.migrations.loader import MigrationLoader

NAME = "9001_of_a_test"
OPERATIONS = {
    "failing": 'migrations.RunSQL("SELECT 1 / 0", migrations.RunSQL.noop)',
    "lingering": 'migrations.RunSQL(["SELECT pg_sleep(20)", "SELECT 1 / 0"], [])',
    "additive": 'migrations.CreateModel("OfATest", [("id", models.AutoField(primary_key=True))])',
    "destructive": 'migrations.RemoveField("exam", "title")',
}

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
os.environ.setdefault("SECRET_KEY", "of-a-build")
django.setup()
[(_, last)] = MigrationLoader(None).graph.leaf_nodes("scoring")
Path(f"/app/scoring/migrations/{NAME}.py").write_text(
    f"""from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scoring", "{last}")]
    operations = [{OPERATIONS[sys.argv[1]]}]
""",
    "utf-8",
)
