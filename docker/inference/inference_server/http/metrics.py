"""What the service reports to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

ANSWERS = Counter("inference_answers_total", "Answers scored")
REFUSED = Counter("inference_refused_total", "Requests refused", ["error_type"])
# Told as 0 before the first one.
REFUSED.labels(error_type="overloaded")
SECONDS = Histogram("inference_request_seconds", "Seconds a scoring request took")
WAITING = Gauge("inference_waiting_sequences", "Sequences in the queue")
