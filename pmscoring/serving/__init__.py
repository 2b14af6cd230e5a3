"""How the web server receives and sends, so that no caller's pace holds up the others."""
