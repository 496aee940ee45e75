"""The description of the routes over HTTP, in OpenAPI's form; a test holds it against the routes."""

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_ERROR: Final = {"$ref": "#/components/schemas/Error"}
_NAME: Final = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": _TEXT,
    "description": "The model's name, `pnfrec` unless the server was told another.",
}
_VERSION: Final = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
    "description": "Only this version may answer.",
}
_LABEL: Final = {
    "name": "label",
    "in": "path",
    "required": True,
    "schema": _TEXT,
    "description": "The version that bears this label.",
}
_REQUEST_ID: Final = {
    "name": "x-request-id",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "Comes back with the answer, and stands in the server's log of calls.",
}
_MODEL: Final = {"": [], "/versions/{version}": [_VERSION], "/labels/{label}": [_LABEL]}
_MEANINGS: Final = {
    "400": "The request cannot be understood; the message names the input.",
    "401": "The server asks for a token, and was given none that it knows.",
    "404": "There is no such model, version or path.",
    "408": "The body did not come in time.",
    "413": "The body is longer than the server takes.",
    "415": "The body is packed, and not by gzip.",
    "429": "The server is busy, and refused the call at once.",
    "500": "The server failed; its log says how.",
    "503": "No version of the model is loaded.",
    "504": "No answer within the server's time limit.",
}


def description() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {
        "/healthz": {"get": _get("health", "Whether the process answers.", _one_key("status"))},
        "/readyz": {
            "get": _get(
                "ready",
                "Whether a version of the model answers: status 200, else 503.",
                _one_key("status"),
                {"503": _one_key("status")},
            )
        },
        "/metrics": {"get": _get("metrics", "Prometheus metrics.", _TEXT, _refusals("401"), "text/plain")},
        "/openapi.json": {"get": _get("openapi", "This document.", {"type": "object"}, _refusals("401"))},
    }
    for path, parameters in _MODEL.items():
        base = f"/v1/models/{{name}}{path}"
        named = path.strip("/").partition("/")[0].title()
        common = [_NAME, *parameters, _REQUEST_ID]
        failures = _refusals("400", "401", "404", "500", "503")
        status = _get(f"status{named}", "The state of each version, the newest first.", _ref("Status"), failures)
        metadata = _get(f"metadata{named}", "The signatures: names, types and shapes.", _ref("Metadata"), failures)
        paths[base] = {"parameters": common, "get": status}
        paths[f"{base}/metadata"] = {"parameters": common, "get": metadata}
        paths[f"{base}:predict"] = {"parameters": common, "post": _predict(named)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pnfrec",
            "version": "1",
            "description": "Recommendations by TensorFlow Serving's REST API. NaN, Infinity and -Infinity may stand "
            'for numbers, as there; bytes that are no text are {"b64": "..."}.',
        },
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


def _predict(named: str) -> dict[str, Any]:
    return {
        "operationId": f"predict{named}",
        "summary": "Lists for histories: rows (`instances`) or columns (`inputs`).",
        "requestBody": {"required": True, "content": _json(_ref("Request"))},
        "responses": {
            "200": {"description": "The lists.", "content": _json(_ref("Answer"))},
            **_responses(_refusals("400", "401", "404", "408", "413", "415", "429", "500", "503", "504")),
        },
    }


def _get(
    operation: str, summary: str, schema: Any, others: dict[str, Any] | None = None, media: str = "application/json"
) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {media: {"schema": schema}}},
            **_responses(others or {}),
        },
    }


def _responses(schemas: dict[str, Any]) -> dict[str, Any]:
    return {status: {"description": _MEANINGS[status], "content": _json(schema)} for status, schema in schemas.items()}


def _refusals(*statuses: str) -> dict[str, Any]:
    return dict.fromkeys(statuses, _ERROR)


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _one_key(name: str) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: _TEXT}}


def _schemas() -> dict[str, Any]:
    signature = {"type": "string", "default": "serving_default"}
    example = {"positive_item_ids": ["1375666", "0110912"], "exclude_item_ids": [], "k": 5}
    rows = {"type": "array", "minItems": 1, "items": {"example": example}}
    status = {"type": "object", "properties": {"error_code": _TEXT, "error_message": _TEXT}}
    version = {
        "type": "object",
        "required": ["version", "state", "status"],
        "properties": {"version": _TEXT, "state": _TEXT, "status": status},
    }
    return {
        "Error": _one_key("error"),
        "Request": {
            "oneOf": [
                {
                    "type": "object",
                    "required": [form],
                    "additionalProperties": False,
                    "properties": {"signature_name": signature, form: values},
                }
                for form, values in (("instances", rows), ("inputs", {}))
            ]
        },
        "Answer": {
            "oneOf": [
                {"type": "object", "required": ["predictions"], "properties": {"predictions": {"type": "array"}}},
                {"type": "object", "required": ["outputs"], "properties": {"outputs": {}}},
            ]
        },
        "Status": {
            "type": "object",
            "required": ["model_version_status"],
            "properties": {"model_version_status": {"type": "array", "items": version}},
        },
        "Metadata": {
            "type": "object",
            "required": ["model_spec", "metadata"],
            "properties": {"model_spec": {"type": "object"}, "metadata": {"type": "object"}},
        },
    }
