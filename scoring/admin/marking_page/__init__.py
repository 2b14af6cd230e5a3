"""The marking page: answers, groups and disputes, one at a time, by keyboard or by mouse.

The server renders every state of the desk. The script only swaps in what the server sends, and adds
keyboard shortcuts.
"""
