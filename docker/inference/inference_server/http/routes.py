"""The table of routes."""

from starlette.routing import Route

from inference_server.http import calibrations, operations, scoring

ROUTES = [
    Route("/v1/score", scoring.score, methods=["POST"]),
    Route("/v1/groups", scoring.group, methods=["POST"]),
    Route("/v1/calibrate", calibrations.calibrate_question, methods=["POST"]),
    Route("/v1/calibrate/general", calibrations.calibrate_general, methods=["POST"]),
    Route("/v1/calibrations/{sha256}", calibrations.put_calibration, methods=["PUT"]),
    Route("/info", operations.info),
    Route("/health", operations.health),
    Route("/metrics", operations.metrics),
]
