"""Where things lie in the repository."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTRACT = ROOT / "pmscoring" / "contract"
"""The JSON Schemas of what comes in and goes out."""
EXAMPLES = CONTRACT / "examples"
"""A file of valid and invalid examples for each schema."""
SAMPLE = ROOT / "scoring" / "sample"
"""The sample exam of the demonstration, with answers and marks."""
WEIGHTS = ROOT / "var" / "models" / "e5-small"
"""The default encoder, once the fixture `weights` has provisioned it."""
PYTHONPATH = f"{ROOT}:{ROOT / 'docker' / 'inference'}"
"""For a process of its own: the repository and the inference service's package."""
