"""Why a file is not read."""


class Refused(Exception):
    """What is seen in the file is not certain, or cannot be read as text.

    `kind` is a word for the reason, `page` the page from 1 on, 0 for the whole file, and `value`
    what the reason is about, such as the name of a font.
    """

    def __init__(self, kind: str, page: int = 0, value: str | int = "") -> None:
        super().__init__(kind)
        self.kind, self.page, self.value = kind, page, value
