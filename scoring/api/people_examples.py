"""Examples of who marks what, saved comments, notes and own marks, for the OpenAPI document."""

ASSIGNMENTS = {
    "assignments": [
        {"marker": "sato", "questions": ["Q1"]},
        {"marker": "tanaka", "questions": None},
    ]
}
SAVED_COMMENT = {
    "id": 3,
    "question": "Q1",
    "text": "結果に触れていない",
    "shared": True,
    "own": True,
}
NEW_COMMENT = {"text": "結果に触れていない", "question": "Q1", "shared": True}
NEW_NOTE = {
    "question": "Q1",
    "criterion": "C1",
    "answer": 21,
    "text": "「仕様変更」も要件の変化と認めるか。",
}
RUBRIC_NOTE = {
    "id": 5,
    "exam": "PM-2026",
    **NEW_NOTE,
    "author": "sato",
    "status": "open",
    "reply": "",
    "created_at": "2026-04-19T05:00:00+00:00",
}
OWN_MARK = {
    "id": 31,
    "answer": 21,
    "question": "Q1",
    "points": 4,
    "criteria": [{"code": "C1", "points": 4, "evidence": []}],
    "comment": "",
    "created_at": "2026-04-19T05:00:00+00:00",
}
