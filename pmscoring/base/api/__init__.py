"""The base of both apps' REST APIs: views, permissions, parsers, problems, the OpenAPI document."""
