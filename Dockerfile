# The image that the nodes of a cluster run in: docs/guides/kubeflow.md.
#
#   docker build -t registry/pnfrec:1 .
#   docker build -t registry/pnfrec:1-gpu --build-arg EXTRAS=pipeline,kfp,gpu .
#   docker build -t registry/pnfrec:1 --build-arg LANE=tfx116 --build-arg BASE=python:3.10-slim-bookworm .
#
# Versions are those of requirements/<lane>.txt, hashes included; CUDA, which EXTRAS=...,gpu adds, comes within the ranges
# of setup.py. The host brings the driver of the GPU.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
ARG LANE=tfx121
ARG EXTRAS=pipeline,kfp
# A few packages have no wheel for every Python.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes --requirement requirements/uv.txt \
    && uv venv --no-cache /opt/pnfrec
COPY . .
RUN uv pip install --no-cache --python /opt/pnfrec/bin/python --compile-bytecode \
    --constraint "requirements/${LANE}.txt" ".[${EXTRAS}]"

FROM ${BASE}
COPY --from=build /opt/pnfrec /opt/pnfrec
# Kubeflow's launcher mirrors artifacts here; where a cluster mounts nothing there, the user has to own them.
RUN useradd --uid 1000 --create-home pnfrec \
    && install --directory --owner=pnfrec /minio /s3 /gcs
ENV PATH=/opt/pnfrec/bin:$PATH
USER 1000
WORKDIR /home/pnfrec
CMD ["pnfrec", "--help"]
