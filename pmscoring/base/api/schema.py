"""The OpenAPI document: what drf-spectacular cannot derive from the views by itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from inspect import cleandoc
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from pmscoring.base.api.problems import MEDIA_TYPE, TITLES, Problem
from pmscoring.base.api.shapes import Schema, components, ref, shape

JSON = "application/json"
CODE: Schema = {"type": "string", "pattern": "^[A-Za-z0-9-]{1,32}$"}
ALWAYS, WITH_BODY, WITH_PATH = (401, 403, 422, 429), (400, 411, 413, 415), (404,)
Handler = TypeVar("Handler", bound=Callable[..., Any])


def call(
    name: str,
    tag: str,
    answers: Mapping[int, Any],
    *,
    takes: Mapping[str, Schema] | None = None,
    files: Sequence[str] = (),
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
    problems: Iterable[int] = (),
) -> Callable[[Handler], Handler]:
    """Decorates a view's method with its documentation: `name` is the operation's id.

    The method's docstring is the description, and its first line the summary. `answers` maps each
    status to the type of its body, None where it has none; `takes` maps the media types of the
    request's body to schemas; `files` are the media types of a 200 that is a file; `problems` are
    error statuses beside those that every call can have. Query parameters that are not among
    `parameters`, or break their schemas, are refused by the view.
    """
    responses: dict[Any, Any] = {}
    for status, body in answers.items():
        responses[(status, JSON)] = _schema(body) if body else None
    for media_type in files:
        responses[(200, media_type)] = {"type": "string"}

    def documented(handler: Handler) -> Handler:
        description = cleandoc(handler.__doc__ or "")
        wrapped: Handler = extend_schema(
            operation_id=name,
            tags=[tag],
            summary=description.partition("\n")[0].rstrip("."),
            description=description,
            request=dict(takes) if takes else None,
            responses=responses,
            parameters=list(parameters),
            examples=list(examples),
            extensions={"x-problems": list(problems)},
        )(handler)
        wrapped.parameters = {  # type: ignore[attr-defined]
            parameter.name: parameter.type
            for parameter in parameters
            if parameter.location == OpenApiParameter.QUERY
        }
        return wrapped

    return documented


def _schema(body: Any) -> Schema:
    return body if isinstance(body, dict) else shape(body)


def query(
    name: str, schema: Schema, description: str = "", required: bool = False
) -> OpenApiParameter:
    """A query parameter."""
    return OpenApiParameter(name, schema, description=description, required=required)


def header(name: str, schema: Schema) -> OpenApiParameter:
    """A header of the request."""
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER)


def request_example(name: str, value: Any, media_type: str = JSON) -> OpenApiExample:
    """An example of a body that is sent."""
    return OpenApiExample(name, value, request_only=True, media_type=media_type)


def response_example(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """An example of an answer."""
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


_components: list[Callable[[], dict[str, Schema]]] = []


def add_components(read: Callable[[], dict[str, Schema]]) -> None:
    """Add an app's own schemas, by name, to the document's components.

    `read` is called when the document is made.
    """
    _components.append(read)


def finish(result: Schema, **_: Any) -> Schema:
    """Adds the components and the problems to the document; a postprocessing hook of spectacular.

    The components are those of the apps and of the TypedDicts that the calls refer to.
    """
    shape(Problem)
    schemas = result["components"].setdefault("schemas", {})
    for read in _components:
        schemas.update(read())
    schemas.update(components())
    for path, calls in result["paths"].items():
        for operation in calls.values():
            _add_problems(path, operation)
    return result


def _add_problems(path: str, operation: Schema) -> None:
    statuses = {*ALWAYS, *operation.pop("x-problems", ())}
    statuses |= set(WITH_BODY) if "requestBody" in operation else set()
    statuses |= set(WITH_PATH) if "{" in path else set()
    for status, response in operation["responses"].items():
        response["description"] = response["description"] or HTTPStatus(int(status)).phrase
    for status in sorted(statuses):
        operation["responses"][str(status)] = {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": ref(Problem.__name__)}},
        }
