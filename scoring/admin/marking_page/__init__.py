"""The marking page: one answer, one group or one dispute at a time, by keyboard or by hand.

The server renders every state; the script swaps what the server sent, and adds keys.
"""
