"""`python -m inference_server`: serve until told to stop."""

import logging

import uvicorn
from pythonjsonlogger.json import JsonFormatter

from inference_server.app import make_app
from inference_server.config import Config
from pmscoring import env

handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
logging.basicConfig(level=env.text("LOG_LEVEL", "INFO"), handlers=[handler])
uvicorn.run(
    make_app(Config.from_environment()),
    host=env.text("INFERENCE_HOST", "127.0.0.1"),
    port=env.integer("INFERENCE_PORT", 9000),
    log_config=None,
    access_log=False,
)
