"""The real encoder in this process, a scorer on it, and a calibration of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_server.encoding.batching import Batcher
from inference_server.encoding.engine import Encoder, choose
from inference_server.fitting import general, question
from inference_server.fitting.examples import Example
from inference_server.fitting.result import FitResult
from inference_server.judging.general import GeneralCalibration
from inference_server.judging.question import QuestionCalibration
from inference_server.scorer import Scorer
from tests.inference import marked_answers, marked_questions, sample_texts


@pytest.fixture(scope="session")
def encoder(weights: Path) -> Encoder:
    """The default encoder as the service runs it on this machine's processor, in int8 or fp32.

    On one thread, for on a busy machine two wait for each other.
    """
    return Encoder.load(weights, *choose("cpu", "auto"), threads=1)


@pytest.fixture(scope="session")
def scorer(encoder: Encoder) -> Iterator[Scorer]:
    """A scorer on the default encoder, without limits that a test could meet."""
    batcher = Batcher(encoder.forward, 1024, 100_000)
    yield Scorer(encoder, batcher, 1_000_000)
    batcher.close()


@pytest.fixture(scope="session")
def question_fit(scorer: Scorer) -> FitResult:
    """A fit of the sample question to the first sixty marked answers."""
    examples = [Example(**answer) for answer in marked_answers.answers(60)]
    return question.calibrate(scorer, sample_texts.QUESTION, examples, lambda *_: None)


@pytest.fixture(scope="session")
def calibration(question_fit: FitResult) -> QuestionCalibration:
    """The calibration that came of it."""
    return QuestionCalibration.unpack(question_fit.artefact)


@pytest.fixture(scope="session")
def general_fit(scorer: Scorer) -> FitResult:
    """A fit to the marked questions."""
    return general.calibrate(scorer, marked_questions.as_examples(), lambda *_: None)


@pytest.fixture(scope="session")
def general_calibration(general_fit: FitResult) -> GeneralCalibration:
    """The calibration that came of it."""
    return GeneralCalibration.unpack(general_fit.artefact)
