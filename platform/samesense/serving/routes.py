"""The paths of the service, as an ASGI application around a ``Service``."""

import json
from datetime import datetime
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from samesense.encoder.options import Modality
from samesense.serving.embedding import Description
from samesense.serving.errors import ApiError, bad_request
from samesense.serving.forms.body import Form, Read, read_body, read_form
from samesense.serving.forms.cohere import EmbedRequest
from samesense.serving.forms.openai import EmbeddingsRequest
from samesense.serving.forms.search import SearchRequest
from samesense.serving.forms.voyage import MultimodalRequest
from samesense.serving.measure import Measures
from samesense.serving.options import ServeOptions
from samesense.serving.service import Service

PAGE = "page"
A_WEEK, NOT_KEPT = "private, max-age=604800", "no-store"
MOST_POINTS = 5_000
CAPABILITIES: dict[Modality, str] = {"text": "embed", "image": "image_embed"}
"""What a model can do, in the words of infinity."""


def create_app(service: Service, options: ServeOptions, measures: Measures) -> FastAPI:
    """Return the application: every path calls the service and shapes its answer."""
    app = FastAPI(
        title="Samesense",
        description="Find the same thing in any visual domain.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_errors(app)
    _add_embeddings(app, service, options)
    _add_search(app, service, options)
    _add_operations(app, service, measures)
    page = files("samesense.serving") / PAGE
    app.mount("/page", StaticFiles(directory=str(page)))

    @app.get("/", include_in_schema=False)
    async def page_of_search() -> FileResponse:
        return FileResponse(str(page / "index.html"))

    @app.get("/docs", include_in_schema=False)
    async def page_of_interface() -> FileResponse:
        return FileResponse(str(page / "docs.html"))

    return app


def _add_embeddings(app: FastAPI, service: Service, options: ServeOptions) -> None:
    @app.post("/v1/embeddings", openapi_extra=_takes(EmbeddingsRequest))
    @app.post("/embeddings", include_in_schema=False)
    async def embeddings(request: Request) -> Response:
        """Embed texts and images: the form of OpenAI, Jina, infinity, NIM and vLLM."""
        form, uploads = await _read(request, EmbeddingsRequest, options)
        embedded = await service.embed(form.asked(uploads, limits=options.limits))
        return _json(form.answer(embedded))

    @app.post("/v2/embed", openapi_extra=_takes(EmbedRequest))
    async def embed(request: Request) -> Response:
        """Embed texts and images: Cohere's form."""
        form, _ = await _read(request, EmbedRequest, options)
        return _json(form.answer(await service.embed(form.asked(limits=options.limits))))

    @app.post("/v1/multimodalembeddings", openapi_extra=_takes(MultimodalRequest))
    async def multimodal_embeddings(request: Request) -> Response:
        """Embed texts and images: Voyage's form."""
        form, _ = await _read(request, MultimodalRequest, options)
        return _json(form.answer(await service.embed(form.asked(limits=options.limits))))


def _add_search(app: FastAPI, service: Service, options: ServeOptions) -> None:
    @app.post("/v1/search", openapi_extra=_takes(SearchRequest))
    async def search(request: Request) -> Response:
        """Search many domains by image, text, item or vector."""
        form, uploads = await _read(request, SearchRequest, options)
        return _json(await service.search(form, uploads))

    @app.get("/v1/indexes")
    async def indexes() -> Response:
        """The indexes that are served."""
        return _json({"object": "list", "data": await service.indexes()})

    @app.get("/v1/indexes/{name}")
    async def index(name: str) -> Response:
        """One index: its domains, their sizes, and the model behind it."""
        return _json(await service.index(name))

    @app.get("/v1/indexes/{name}/map")
    async def map_of_index(
        name: str, limit: int = Query(default=1500, ge=2, le=MOST_POINTS)
    ) -> Response:
        """A sample of an index on a plane, near things near to each other."""
        return _json(await service.map(name, points=limit))

    @app.get("/v1/items/{item}")
    async def item(item: str, index: str | None = None) -> Response:
        """What is known of an item."""
        return _json(await service.item(index, item))

    @app.get("/v1/items/{item}/thumbnail")
    async def thumbnail(
        item: str, index: str | None = None, side: int = Query(default=160, ge=32, le=512)
    ) -> Response:
        """A square picture of an item."""
        tile = await service.picture(index, item, side_px=side)
        kept = A_WEEK if tile.is_picture else NOT_KEPT
        return Response(tile.jpeg, media_type="image/jpeg", headers={"Cache-Control": kept})


def _add_operations(app: FastAPI, service: Service, measures: Measures) -> None:
    @app.get("/v1/models")
    async def models() -> Response:
        """The models that are served."""
        data = [_model(name, one) for name, one in await service.models()]
        return _json({"object": "list", "data": data})

    @app.get("/v1/health/live")
    @app.get("/health", include_in_schema=False)
    async def live() -> Response:
        """Whether this process answers."""
        return _json({"status": "live"})

    @app.get("/v1/health/ready")
    async def ready() -> Response:
        """Whether models and index answer; 503 if not."""
        await service.ready()
        return _json({"status": "ready"})

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Counters of this process for Prometheus."""
        return PlainTextResponse(measures.text(), media_type=measures.media_type)


def _model(name: str, one: Description) -> dict[str, Any]:
    made = datetime.fromisoformat(one.made) if one.made else None
    return {
        "id": name,
        "object": "model",
        "created": int(made.timestamp()) if made else None,
        "owned_by": "samesense",
        "fingerprint": one.fingerprint,
        "revision": one.revision,
        "dimension": one.width,
        "modalities": list(one.modalities),
        "capabilities": [CAPABILITIES[modality] for modality in one.modalities],
        "fault": one.fault,
    }


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def refused(request: Request, refusal: ApiError) -> Response:
        return _refusal(refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = str(first["loc"][-1])
        return _refusal(bad_request(f"{name}: {first['msg']}", param=name))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        codes = {404: "not_found", 405: "method_not_allowed"}
        code = codes.get(error.status_code, "bad_request")
        message = f"{request.method} {request.url.path}: {error.detail}"
        answer = _refusal(ApiError(error.status_code, code, message))
        answer.headers.update(error.headers or {})
        return answer


async def _read(
    request: Request, form: type[Read], options: ServeOptions
) -> tuple[Read, list[bytes]]:
    values, uploads = await read_body(request, limits=options.limits)
    return read_form(form, values), uploads


def _takes(form: type[Form]) -> dict[str, Any]:
    """Describe a body for OpenAPI."""
    schema = form.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    described = json.loads(json.dumps(schema))
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _inline(described, inner)}},
        }
    }


def _inline(value: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references to them."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _inline(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {name: _inline(one, definitions) for name, one in value.items()}
    if isinstance(value, list):
        return [_inline(one, definitions) for one in value]
    return value


def _json(content: dict[str, Any], *, status: int = 200) -> Response:
    # In ASCII, since a name that callers made up may hold what UTF-8 has no bytes for.
    return Response(json.dumps(content), status_code=status, media_type="application/json")


def _refusal(refusal: ApiError) -> JSONResponse | Response:
    answer = _json(refusal.body, status=refusal.status)
    answer.headers.update(refusal.headers)
    return answer
