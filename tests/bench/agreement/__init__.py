"""How well calibrated marks agree with people, measured by one protocol on any marked data."""
