"""Calibrations: fitted to marks by people, promoted, and the threshold from which marks stand."""
