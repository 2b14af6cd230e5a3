"""The colour of the label that shows each state."""

from scoring.models import Answer, Calibration, Exam, Upload

Colours = dict[str, str]

ANSWER: Colours = {
    Answer.Status.WAITING: "info",
    Answer.Status.SCORING: "primary",
    Answer.Status.SCORED: "success",
    Answer.Status.FAILED: "danger",
}
REVIEW: Colours = {
    Answer.Review.QUEUED: "info",
    Answer.Review.CLAIMED: "primary",
    Answer.Review.MARKED: "success",
    Answer.Review.DISPUTED: "danger",
    Answer.Review.ADJUDICATED: "success",
}
EXAM: Colours = {
    Exam.Status.DRAFT: "default",
    Exam.Status.TRIAL: "info",
    Exam.Status.MARKING: "primary",
    Exam.Status.FIXED: "warning",
    Exam.Status.PUBLISHED: "success",
}
CALIBRATION: Colours = {
    Calibration.Status.WAITING: "info",
    Calibration.Status.FITTING: "primary",
    Calibration.Status.READY: "success",
    Calibration.Status.FAILED: "danger",
}
UPLOAD: Colours = {
    Upload.Status.WAITING: "info",
    Upload.Status.READING: "primary",
    Upload.Status.PREVIEW: "warning",
    Upload.Status.READ: "success",
    Upload.Status.REFUSED: "danger",
}
