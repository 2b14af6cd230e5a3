"""What the console adds to the admin's sidebar."""

from django.utils.translation import gettext_lazy as _

from pmscoring.base.admin.navigation import ModelLink, register

register(
    "operations",
    _("Operations"),
    40,
    ModelLink("opsconsole.environment", "dns"),
    ModelLink("opsconsole.deployment", "rocket_launch"),
    ModelLink("opsconsole.release", "inventory_2"),
    ModelLink("opsconsole.operation", "build"),
    ModelLink("opsconsole.scalingpolicy", "speed"),
    ModelLink("opsconsole.scalingdecision", "rule"),
    ModelLink("opsconsole.examwindow", "event_busy"),
    ModelLink("opsconsole.backup", "backup"),
    ModelLink("opsconsole.backupplan", "event_repeat"),
    ModelLink("opsconsole.restore", "settings_backup_restore"),
    ModelLink("opsconsole.event", "history"),
    ModelLink("opsconsole.channel", "notifications"),
)
