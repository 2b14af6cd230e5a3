"""How well the machine agrees with people, and people with each other.

scoring/agreement/pairs.py says what is compared with what, and why.
"""
