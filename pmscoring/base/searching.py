"""Search that folds width and form as texts are folded: ＰＭ finds PM, ～ finds 〜."""

from typing import Any

from django.db.models import CharField, Lookup, Q, TextField
from django.utils.text import smart_split, unescape_string_literal

from pmscoring.base import folding, lookalikes

WRITINGS = "".join(map(chr, lookalikes.TABLE))
SIGNS = "".join(lookalikes.TABLE.values())


@CharField.register_lookup
@TextField.register_lookup
class ContainsFolded(Lookup):
    """Whether the column contains the text, in whatever width, form and case either is written.

    PostgreSQL folds each row that it reads, which no index helps, as none helps a search for a part
    of a text.
    """

    lookup_name = "contains_folded"

    def get_prep_lookup(self) -> str:
        """The pattern of LIKE."""
        text = folding.folded(str(self.rhs))
        for special in ("\\", "%", "_"):
            text = text.replace(special, f"\\{special}")
        return f"%{text}%"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """UPPER on both sides, as Django's `icontains`."""
        column, parameters = self.process_lhs(compiler, connection)
        pattern, pattern_parameters = self.process_rhs(compiler, connection)
        sql = (
            f"UPPER(translate(normalize(translate({column}::text, %s, %s), NFKC), %s, %s))"
            f" LIKE UPPER({pattern})"
        )
        signs = [WRITINGS, SIGNS, WRITINGS, SIGNS]
        return sql, [*parameters, *signs, *pattern_parameters]


def words(term: str) -> list[str]:
    """The words of a search, of which a row must have all; quotes keep several together."""
    return [_unquoted(bit) for bit in smart_split(term)]


def _unquoted(bit: str) -> str:
    is_quoted = len(bit) > 1 and bit[0] == bit[-1] and bit[0] in "\"'"
    return unescape_string_literal(bit) if is_quoted else bit


def matching(fields: Any, term: str) -> Q:
    """The condition that each word of the term is in one of the fields."""
    condition = Q()
    for word in words(term):
        condition &= Q(*((f"{name}__contains_folded", word) for name in fields), _connector=Q.OR)
    return condition
