"""Beat's scheduler: that of the database, which sends nothing while the application is held."""

from django_celery_beat.schedulers import DatabaseScheduler

from pmscoring.base import hold

LOOK_SECONDS = 1.0


class HeldScheduler(DatabaseScheduler):
    """Looks every second whether the hold is over, and touches no database until then."""

    def tick(self, *args: object, **kwargs: object) -> float:
        """Send what is due; returns the seconds until the next look."""
        if hold.is_held():
            return LOOK_SECONDS
        seconds: float = super().tick(*args, **kwargs)
        return seconds
