"""What both apps, and in part the inference service, stand on. It knows neither app's models."""
