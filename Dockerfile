# syntax=docker/dockerfile:1
# A service without torch: the embedding model is built into the image, state lies in the volume /data.
# Beyond loopback the service needs an API key: docker compose run --rm firstreply keys create NAME

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/firstreply
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE NOTICE ./
COPY service service
COPY evals evals
COPY knowledge knowledge
COPY prompts prompts
# The lock pins the versions of what is needed; what only tests and training need is not installed.
RUN /opt/firstreply/bin/pip install --constraint requirements.lock . \
 && chmod -R a+rX /opt/firstreply
WORKDIR /
RUN /opt/firstreply/bin/python -c "from pathlib import Path; from service.understand.build import build_default; \
build_default(Path('/opt/models/multilingual-e5-small'), sentence_transformers=False, progress=print)"

FROM python:3.11-slim
COPY --from=build /opt/firstreply /opt/firstreply
COPY --from=build /opt/models /opt/models
RUN groupadd --system --gid 10001 firstreply \
 && useradd --system --uid 10001 --gid firstreply --home-dir /data --no-create-home firstreply \
 && install --directory --owner=firstreply --group=firstreply --mode=700 /data
ENV PATH=/opt/firstreply/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FIRSTREPLY_DATA_DIR=/data \
    FIRSTREPLY_MODELS_DIR=/opt/models
USER firstreply
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["firstreply"]
CMD ["serve", "--host", "0.0.0.0"]
