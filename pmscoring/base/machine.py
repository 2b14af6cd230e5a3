"""What the machine of an installation without Docker has."""

import os

MOST_WORKERS = 4


def most_workers() -> int:
    """Workers that it can run, with those that stand by: as many as there are cores, but 2 to 4."""
    return min(max(os.cpu_count() or 1, 2), MOST_WORKERS)
