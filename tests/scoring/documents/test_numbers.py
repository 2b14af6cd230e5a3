"""Numbers as spreadsheets show them, checked against what LibreOffice and Excel display."""

import pytest

from scoring.documents.numbers import BUILT_IN, NotShown, shown, shown_text

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("12", "0000_ ", "0012"),
        ("13", "0000", "0013"),
        ("14", '0000"番"', "0014番"),
        ("14", "0000番", "0014番"),
        ("1234567", "000-0000", "123-4567"),
        ("312345678", "000\\-0000\\-0000", "003-1234-5678"),
        ("12345678901", "000-0000-0000", "123-4567-8901"),
        ("123456789012", "000-0000-0000", "1234-5678-9012"),
        ("0.5", "0%", "50%"),
        ("0.1234", "0.00%", "12.34%"),
        ("1200", "#,##0", "1,200"),
        ("1234567.5", "#,##0.00", "1,234,567.50"),
        ("12", "0,000", "0,012"),
        ("-1200", '"¥"#,##0', "-¥1,200"),
        ("-1200", '"¥"#,##0;[Red]"△"#,##0', "△1,200"),
        ("1200", "[$¥-411]#,##0", "¥1,200"),
        ("-1200", "#,##0 ;(#,##0)", "(1,200)"),
        ("0", '0;-0;"なし"', "なし"),
        ("1200000", "#,##0,", "1,200"),
        ("1234", "0.0,", "1.2"),
        ("1234567", "#,##0.00,", "1,234.57"),
        ("1234567890", "0.0,,", "1234.6"),
        ("1.5", "0", "2"),
        ("2.5", "0.0", "2.5"),
        ("1.5", "0.##", "1.5"),
        ("1", "0.##", "1."),
        ("-0.4", "0", "0"),
        ("0.75", "# ?/?", "3/4"),
        ("2.75", "# ?/?", "2 3/4"),
        ("3", "# ??/??", "3"),
        ("2.5", "?/?", "5/2"),
        ("42", "General", "42"),
        ("42", "@", "42"),
        ("1.0", "General", "1"),
        ("0.30000000000000004", "General", "0.3"),
        ("123456789012345", "General", "123456789012345"),
        ("5", 'General"回目"', "5回目"),
        ("1E2", "General", "100"),
    ],
)
def test_it_shows_a_number_by_its_format(value: str, code: str, text: str) -> None:
    assert shown(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "reason"),
    [
        ("100000", "0.00E+00", "in the format"),
        ("5", "[>=10]0;0", "in the format"),
        ("5", "[DBNum1]0", "in the format"),
        ("12", "[$-D07041E]0", "in the format"),
        ("5", "?/8", "in the format"),
        ("45000", "yyyy/m/d", "a date"),
        ("45000", '[$-411]ggge"年"', "a date"),
        ("0.5", "[h]:mm", "a date"),
        ("45000", BUILT_IN[14], "a date"),
        ("5", ";;;", "its format hides"),
        ("0", "#", "its format hides"),
        ("1234567890123456", "General", "more than 15 digits"),
        ("1234567890123456", "0", "more than 15 digits"),
        ("0.333333333333333", "General", "shows a part"),
        ("0.00001", "General", "shows a part"),
    ],
)
def test_it_does_not_guess_what_a_number_looks_like(value: str, code: str, reason: str) -> None:
    with pytest.raises(NotShown, match=reason):
        shown(value, code)


def test_a_format_may_add_to_a_text_or_hide_it() -> None:
    assert shown_text("佐藤", "General") == "佐藤"
    assert shown_text("佐藤", "0;-0") == "佐藤"
    assert shown_text("佐藤", '@"様"') == "佐藤様"
    assert shown_text("佐藤", '0;-0;0;"No."@') == "No.佐藤"
    with pytest.raises(NotShown, match="its format hides"):
        shown_text("佐藤", ";;;")
