"""The ASGI application: routes, middleware, error handlers, start and stop."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from inference_server.config import Config
from inference_server.http.errors import Refusal, refuse
from inference_server.http.middleware import RequestId
from inference_server.http.routes import ROUTES
from inference_server.http.state import Loader, load

log = logging.getLogger("inference")


def make_app(config: Config, loader: Loader = load) -> Starlette:
    """The service; it answers /health while `loader` reads the weights."""
    app = Starlette(
        routes=ROUTES,
        lifespan=_lifespan,
        middleware=[Middleware(RequestId)],
        exception_handlers={Refusal: refuse, HTTPException: refuse, Exception: refuse},
    )
    app.state.config, app.state.loader, app.state.service = config, loader, None
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.loading = asyncio.create_task(_load(app))
    app.state.loading.add_done_callback(_log_failure)
    yield
    if app.state.service:
        app.state.service.batcher.close()


async def _load(app: Starlette) -> None:
    # Requests read `service` in the event loop, where it is also set: they see None or all of it.
    app.state.service = await run_in_threadpool(app.state.loader, app.state.config)
    gc.collect()
    gc.freeze()  # The vocabulary's many objects stay, so no collection need visit them.
    log.info("ready", extra={"model": app.state.service.encoder.model})


def _log_failure(loading: "asyncio.Task[None]") -> None:
    if not loading.cancelled() and (error := loading.exception()):
        log.error("the model could not be loaded", exc_info=error)
