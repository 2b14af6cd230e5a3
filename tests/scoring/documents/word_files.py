"""Word documents, written as their XML."""

import io
import zipfile

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
OTHERS = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    ' xmlns:v="urn:schemas-microsoft-com:vml"'
)


def archive(**parts: str) -> bytes:
    """A ZIP of the parts, whose names have `__` for a slash and no extension."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def relations(**targets: str) -> str:
    """A list of relations, by the last word of their type."""
    nodes = [
        f'<Relationship Id="r{number}" Type="{TYPES}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items())
    ]
    return f'<Relationships xmlns="{PACKAGE}">{"".join(nodes)}</Relationships>'


def docx(body: str, head: str = "", **parts: str) -> bytes:
    """A document with this body; of its other `parts` the children of the root, by kind."""
    xml = f'{head}<w:document xmlns:w="{W}" {OTHERS}><w:body>{body}</w:body></w:document>'
    more = {
        f"word/the-{kind}.xml": f'<w:{kind} xmlns:w="{W}">{content}</w:{kind}>'
        for kind, content in parts.items()
    }
    named = relations(**{kind: f"the-{kind}.xml" for kind in parts})
    return archive(
        **{
            "_rels/.rels": relations(officeDocument="word/document.xml"),
            "word/document.xml": xml,
            "word/_rels/document.xml.rels": named,
            **more,
        }
    )


def p(inside: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def item(level: int = 0, number: int = 1) -> str:
    """The properties of a paragraph in a list."""
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'


def field(*codes: str, result: str) -> str:
    """A field with its code, whose parts are runs, and its result."""
    char = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    parts = [char.format("begin"), *codes, char.format("separate"), result, char.format("end")]
    return "".join(parts)
