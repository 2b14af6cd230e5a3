"""`make bench-attackers`: what one caller can do to all others; each attack is bounded.

Attackers and victims are all of this machine, on 127.0.0.1.
"""
