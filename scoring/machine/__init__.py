"""The machine as a marker: batches of waiting answers, and requests to the inference service."""
