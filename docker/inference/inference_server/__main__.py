"""`python -m inference_server`: serve until a signal stops it."""

import logging.config

import uvicorn

from inference_server.config import Config
from inference_server.http.app import make_app
from pmscoring.base import env
from pmscoring.base.logs import LEVELS, logging_config

logging.config.dictConfig(logging_config(env.choice("LOG_LEVEL", "INFO", LEVELS)))
uvicorn.run(
    make_app(Config.from_environment()),
    host=env.text("INFERENCE_HOST", "127.0.0.1"),
    port=env.integer("INFERENCE_PORT", 9000),
    log_config=None,
    access_log=False,
)
