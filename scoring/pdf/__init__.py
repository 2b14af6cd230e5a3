"""The text of a PDF file as it is seen, read by a program of its own: `python scoring/pdf`.

Nothing here imports Django, so that the program starts quickly and within its bounds of memory.
"""
