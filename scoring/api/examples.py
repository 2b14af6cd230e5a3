"""Examples of requests and responses for the OpenAPI document, all of one small exam."""

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
    "group": None,
    "created_at": "2026-04-19T05:00:00+00:00",
}
ADJUDICATED = {**MARK, "id": 35, "source": "adjudicator", "points": 3, "criteria": []}
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
STORED_SUBMISSION = {
    "id": 11,
    "exam": "PM-2026",
    "candidate": "c-001",
    "attempt": 1,
    "absent": False,
    "withdrawn": False,
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
    "skipped": [],
}
WITHDRAWAL = {
    "id": 3,
    "exam": "PM-2026",
    "kind": "upload",
    "subject": 5,
    "reason": "wrong file",
    "answers": 120,
    "marked": 2,
    "withdrawn_by": "m.sato",
    "withdrawn_at": "2026-04-19T05:10:00+00:00",
    "restored_by": None,
    "restored_at": None,
}
RESTORATION = {
    **WITHDRAWAL,
    "restored_by": "m.sato",
    "restored_at": "2026-04-19T05:20:00+00:00",
    "restored": 120,
    "replaced": 0,
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
    "conflicts": "refuse",
    "format": "text",
    "kind": "answers",
    "source": "",
    "preview": None,
    "seen": 0,
    "accepted": 0,
    "rejected": [],
    "rejected_rows": 0,
    "notes": [],
    "batch": None,
    "links": {"self": "/api/v1/uploads/5"},
    "created_at": "2026-04-19T05:00:00+00:00",
}
SCORE = {
    "model": "3f5d",
    "calibration": None,
    "points": 4,
    "criteria": [{**CRITERION_MARK, "doubts": []}],
    "flags": [],
    "confidence": None,
}
FIGURES = {
    "count": 120,
    "exact": 0.75,
    "adjacent": 0.97,
    "kappa": 0.84,
    "kappa_interval": [0.78, 0.89],
    "mae": 0.28,
    "bias": -0.05,
}
AGREEMENT = {
    "exam": "PM-2026",
    "overall": {"count": 120, "exact": 0.75, "adjacent": 0.97, "kappa": 0.84},
    "questions": [
        {
            "question": "Q1",
            "label": "設問1(1)",
            "points": 4,
            "step": 1,
            "calibration": "5e88",
            "threshold": 0.82,
            "machine": FIGURES,
            "audit": None,
            "people": {**FIGURES, "count": 60, "kappa": 0.9, "kappa_interval": None},
            "out_of_fold": 60,
            "open": 2,
            "unpredicted": 0,
            "markers": [{"one": "sato", "other": "suzuki", "figures": FIGURES}],
            "criteria": [
                {"code": "C1", "label": "要件", "points": 4, "machine": FIGURES, "people": None}
            ],
            "confusion": [{"people": 4, "machine": 3, "count": 6}],
            "coverage": [{"threshold": 0.82, "count": 48, "coverage": 0.4, "agreement": 0.97}],
            "drift": [
                {
                    "first": "2026-04-20",
                    "last": "2026-04-20",
                    "count": 9,
                    "exact": 0.889,
                    "exact_interval": [0.565, 0.98],
                    "bias": 0.11,
                }
            ],
        }
    ],
}
CALIBRATION_WAITING = {
    "id": 7,
    "status": "waiting",
    "active": False,
    "sha256": None,
    "model": None,
    "metrics": {},
    "stage": "",
    "fraction": 0,
    "reason": "",
    "requested_by": "tanaka",
    "created_at": "2026-04-20T05:00:00+00:00",
    "finished_at": None,
}
CALIBRATION = {
    **CALIBRATION_WAITING,
    "status": "ready",
    "active": True,
    "sha256": "5e88",
    "model": "3f5d",
    "metrics": {
        "examples": 180,
        "folds": 5,
        "kappa": 0.84,
        "exact": 0.75,
        "adjacent": 0.97,
        "mae": 0.28,
        "calibration_error": 0.03,
        "seconds": 12.4,
        "seed": 0,
    },
    "fraction": 1,
    "finished_at": "2026-04-20T05:00:14+00:00",
}
MEASURED = {"kappa": 0.84, "exact": 0.75, "adjacent": 0.97, "mae": 0.28}
PROMOTION = {
    "calibration": 7,
    "kind": "manual",
    "comparison": {
        "texts": 180,
        "new": MEASURED,
        "present": {"kappa": 0.71, "exact": 0.52, "adjacent": 0.9, "mae": 0.6},
    },
    "threshold": None,
    "waiting": 9000,
}
ROLLBACK = {"calibration": None, "kind": "rollback", "threshold": None, "waiting": 9000}
THRESHOLD = {
    "calibration": 7,
    "threshold": None,
    "applied": False,
    "standing": 3600,
    "marked": 9000,
    "proposal": {
        "target": 0.95,
        "threshold": 0.82,
        "coverage": 0.4,
        "agreement": 0.986,
        "bound": 0.95,
        "texts": 180,
        "fewest": 72,
    },
    "curve": [
        {"threshold": 0.82, "count": 72, "coverage": 0.4, "agreement": 0.986},
        {"threshold": 0.31, "count": 180, "coverage": 1, "agreement": 0.75},
    ],
}
ANSWER_TO_MARK = {
    "answer": {
        "id": 21,
        "exam": "PM-2026",
        "question": "Q1",
        "text": TEXT,
        "expires_at": "2026-04-19T05:15:00+00:00",
        "qualifying": False,
        "machine": {"points": None, "criteria": [{**CRITERION_MARK, "points": None}]},
        "marks": [],
    },
    "progress": {"done": 812, "left": 341, "disputed": 6, "mine": 96, "mine_today": 40},
}
GROUPS = {
    "groups": [
        {
            "id": 4,
            "kind": "near",
            "distance": 0.0183,
            "size": 2,
            "answers": [{"id": 21, "text": TEXT}, {"id": 35, "text": "要件が途中で変わったため"}],
        }
    ],
    "total": 1,
    "saved": 0.31,
    "regrouping": None,
}
REFERENCE = {
    "id": 2,
    "answer": 21,
    "question": "Q1",
    "text": TEXT,
    "points": 4,
    "criteria": [{**CRITERION_MARK, "evidence": []}],
    "explanation": "原因が要件の変更だと分かれば満点とする。",
    "qualifies": True,
    "watches": True,
}
STANDING = {
    "marker": "sato",
    "status": "suspended",
    "round": 1,
    "agreement": 0.65,
    "changed_at": "2026-04-20T05:00:00+00:00",
}
WORKLOAD = {
    "marker": "sato",
    "marks": 240,
    "seconds": 18.5,
    "agreement": 0.91,
    "compared": 112,
    "with_references": 0.95,
    "references": 20,
}
TOKEN = {
    "id": 3,
    "name": "CBT",
    "user": "cbt",
    "scope": "",
    "created_at": "2026-04-19T05:00:00+00:00",
    "expires_at": "2026-07-18T05:00:00+00:00",
}
ISSUED_TOKEN = {**TOKEN, "token": "pms_…"}
