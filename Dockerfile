FROM python:3.13-slim

ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY dashboard dashboard
COPY realtime realtime
COPY static static
COPY templates templates
RUN pip install ".[postgresql]" && rm -rf /src

RUN useradd --create-home --uid 10001 headway
USER headway
WORKDIR /home/headway
EXPOSE 8000
CMD ["headway", "--help"]
