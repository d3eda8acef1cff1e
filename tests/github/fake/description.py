"""GitHub's own description of its interface: checks each request and answer, and fills in what an answer must have."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest, WerkzeugOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from werkzeug.wrappers import Request, Response

FILE = Path(__file__).with_name("openapi.json")


def _is_uri(value: object) -> bool:
    """Whether a value is an absolute address. An own check: openapi-core has one only where an optional package is."""
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc) and not set(value) & set(" <>[]\"'\\")


class Description:
    """The pruned description, loaded once."""

    def __init__(self) -> None:
        self._document = json.loads(FILE.read_text(encoding="utf-8"))
        # A request may hold nothing that GitHub does not know; an answer may, and does (body_html, where it is asked for).
        self._strict, self._api = (
            OpenAPI.from_dict(
                self._document,
                config=Config(
                    spec_validator_cls=None,
                    additional_properties_default_policy=extra,
                    extra_format_validators={"uri": _is_uri},
                ),
            )
            for extra in ("forbid", "allow")
        )

    def request(self, request: Request) -> str | None:
        """What is wrong with a request, or None."""
        try:
            self._strict.validate_request(WerkzeugOpenAPIRequest(request))
        except (OpenAPIError, UnicodeDecodeError) as error:
            return _words(error)
        return None

    def answer(self, request: Request, response: Response) -> str | None:
        """What is wrong with an answer, or None."""
        try:
            self._api.validate_response(WerkzeugOpenAPIRequest(request), WerkzeugOpenAPIResponse(response))
        except (OpenAPIError, UnicodeDecodeError) as error:
            return _words(error)
        return None

    @cached_property
    def _schemas(self) -> dict[str, Any]:
        return self._document["components"]["schemas"]

    def sample(self, name: str, **known: Any) -> dict[str, Any]:
        """An object of the schema called ``name``: what is ``known``, and the least that is allowed elsewhere."""
        made = self._least(self._schemas[name] | {"nullable": False})
        assert isinstance(made, dict), name
        return made | known

    def _least(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self._least(self._schemas[schema["$ref"].rpartition("/")[2]])
        if schema.get("nullable"):
            return None
        if "enum" in schema:
            return schema["enum"][0]
        for several in ("allOf", "anyOf", "oneOf"):
            if several in schema:
                return self._least(schema[several][0])
        match schema.get("type"):
            case "object":
                wanted = schema.get("required", ())
                return {key: self._least(schema.get("properties", {}).get(key, {})) for key in wanted}
            case "array":
                return []
            case "integer" | "number":
                return 1
            case "boolean":
                return False
            case "string":
                stamps = {"date-time": "2026-01-01T00:00:00Z", "uri": "https://example.org/it"}
                return stamps.get(schema.get("format", ""), "x")
            case _:
                return None


def _words(error: Exception) -> str:
    parts = [type(error).__name__]
    cause: BaseException | None = error
    while cause is not None:
        parts.append(str(cause)[:300])
        parts += [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in getattr(cause, "schema_errors", ())]
        cause = cause.__cause__
    return "; ".join(parts)
