"""What is sent and told, as the OpenAPI document shows it."""

from typing import Any

EXAM: dict[str, Any] = {
    "code": "PM-2026",
    "title": "午後I",
    "questions": [
        {
            "code": "Q1",
            "label": "設問1(1)",
            "prompt": "遅れの原因を述べよ。",
            "max_points": 4,
            "limits": {"max": 40},
            "criteria": [
                {"code": "C1", "label": "要件", "points": 4, "references": ["要件が変わった"]}
            ],
        }
    ],
}
EXAM_YAML = """\
code: PM-2026
title: 午後I
questions:
  - code: Q1
    prompt: 遅れの原因を述べよ。
    max_points: 4
    criteria:
      - {code: C1, label: 要件, points: 4, references: [要件が変わった]}
"""
TEXT = "要件が途中で変わったから"
SUBMISSION = {
    "exam": "PM-2026",
    "candidate": "c-001",
    "answers": [{"question": "Q1", "text": TEXT}],
}
CRITERION_MARK = {"code": "C1", "points": 4, "evidence": [{"start": 0, "end": 12}]}
MARK = {
    "id": 31,
    "source": "human",
    "points": 4,
    "criteria": [{**CRITERION_MARK, "evidence": []}],
    "flags": [],
    "confidence": None,
    "model": "",
    "calibration": None,
    "comment": "",
    "created_at": "2026-04-19T05:00:00+00:00",
}
ANSWER = {
    "id": 21,
    "submission": 11,
    "candidate": "c-001",
    "exam": "PM-2026",
    "question": "Q1",
    "text": TEXT,
    "status": "waiting",
    "review": "none",
    "reason": "",
    "flags": [],
    "final": None,
    "marks": [],
}
SUBMISSION_TOLD = {
    "id": 11,
    "exam": "PM-2026",
    "candidate": "c-001",
    "attempt": 1,
    "absent": False,
    "batch": 1,
    "links": {"self": "/api/v1/submissions/11"},
    "answers": [ANSWER],
}
BULK = {
    "batch": 2,
    "accepted": 99_999,
    "rejected": [
        {
            "line": 7,
            "pointer": "/answers/0/question",
            "detail": "there is no question Q9",
        }
    ],
}
BATCH = {
    "id": 2,
    "accepted": 99_999,
    "rejected": 1,
    "answers": {"waiting": 40_000, "scoring": 256, "scored": 59_743, "failed": 0},
    "rate": 120.5,
    "seconds_left": 334.1,
}
UPLOAD = {
    "id": 5,
    "exam": "PM-2026",
    "name": "answers.xlsx",
    "size": 48_213,
    "status": "waiting",
    "reason": "",
    "seen": 0,
    "accepted": 0,
    "rejected": [],
    "rejected_rows": 0,
    "batch": None,
    "links": {"self": "/api/v1/uploads/5"},
    "created_at": "2026-04-19T05:00:00+00:00",
}
SCORED = {
    "model": "3f5d",
    "points": 4,
    "criteria": [CRITERION_MARK],
    "flags": [],
    "confidence": None,
}
RESULTS = {
    "exam": "PM-2026",
    "results": [
        {
            "candidate": "c-001",
            "attempt": 1,
            "question": "Q1",
            "status": "scored",
            "points": 4,
            "source": "human",
            "suggested": 4,
            "confidence": None,
            "flags": [],
            "counted": True,
        }
    ],
    "totals": [
        {
            "candidate": "c-001",
            "attempt": 1,
            "absent": False,
            "total": 4,
            "suggested_total": 4,
            "complete": True,
        }
    ],
}
TOKEN = {
    "id": 3,
    "name": "CBT",
    "user": "cbt",
    "created_at": "2026-04-19T05:00:00+00:00",
    "expires_at": "2026-07-18T05:00:00+00:00",
}
ISSUED = {**TOKEN, "token": "pms_…"}
