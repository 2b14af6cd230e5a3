"""What the routes work with, and how it is loaded."""

from collections.abc import Callable
from dataclasses import dataclass, field

from inference_server.config import Config
from inference_server.encoding.batching import Batcher, EncoderThread
from inference_server.http.slots import Slots
from inference_server.judging.shelf import Shelf
from inference_server.reading import EncoderLike
from inference_server.scorer import Scorer

MAX_REQUESTS = 32
"""Fewer than the 40 threads of Starlette's pool, so that one is left to read the next request."""


@dataclass(frozen=True)
class Service:
    """The parts that serve once the weights are read.

    `slots` bounds the requests that are scored or grouped at once, since more would hold their
    bodies while they wait; `fit_slots` allows one fit at a time.
    """

    encoder: EncoderLike
    precision: str
    batcher: Batcher
    scorer: Scorer
    slots: Slots = field(default_factory=lambda: Slots(MAX_REQUESTS))
    fit_slots: Slots = field(default_factory=lambda: Slots(1))
    shelf: Shelf = field(default_factory=lambda: Shelf(256 * 1024 * 1024))


Loader = Callable[[Config], Service]


def load(config: Config) -> Service:
    """Read the weights and start the thread that computes; raise CannotLoad."""
    # Imported here, because it imports torch and stand-ins for the encoder need none.
    from inference_server.encoding.engine import Encoder, choose

    device, precision = choose(config.device, config.precision)
    thread = EncoderThread()
    encoder = thread.submit(
        lambda: Encoder.load(config.model, device, precision, config.threads)
    ).result()
    batcher = Batcher(encoder.forward, config.pack_tokens, config.queue_answers, thread)
    scorer = Scorer(encoder, batcher, config.max_tokens)
    shelf = Shelf(config.kept_calibrations)
    return Service(encoder, precision, batcher, scorer, shelf=shelf)
