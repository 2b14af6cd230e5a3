"""Routes for those who run the service: /info, /health and /metrics."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from inference_server.http.metrics import WAITING
from inference_server.http.requests import protected, service_of
from inference_server.http.responses import json_response


@protected
async def info(request: Request) -> Response:
    """GET /info: the model, how it is computed, and the limits of a request."""
    service, config = service_of(request), request.app.state.config
    return json_response(
        {
            "model": service.encoder.model,
            "device": service.encoder.device,
            "dtype": service.precision,
            "window_tokens": service.encoder.window,
            "max_answers": config.max_answers,
            "max_tokens": config.max_tokens,
            "max_body_bytes": config.max_body,
            "pack_tokens": config.pack_tokens,
        }
    )


@protected
async def metrics(request: Request) -> Response:
    """GET /metrics, for Prometheus; also while the weights are being read."""
    if service := request.app.state.service:
        WAITING.set(service.batcher.waiting)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def health(request: Request) -> Response:
    """GET /health, without a token; 503 until the weights are read."""
    state = request.app.state
    if state.service:
        return json_response({"status": "healthy", "model_loaded": True})
    status = "unhealthy" if state.loading.done() else "starting"
    return json_response({"status": status, "model_loaded": False}, 503)
