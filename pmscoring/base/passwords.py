"""Passwords that the product makes up, to be copied or read aloud once."""

import secrets

CHARACTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without 0, O, 1, l, I and o, and without signs at which a double click ends."""
LENGTH = 16


def new_password() -> str:
    """A password of 93 random bits."""
    return "".join(secrets.choice(CHARACTERS) for _ in range(LENGTH))
