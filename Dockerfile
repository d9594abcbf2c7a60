# The operator's image: the locked packages and the operator on a slim Python, nothing to compile with, no way to be root.
#
#   docker build --tag imageferry:0.1.0 .
#
# A tag moves, a digest does not. A release pins the base by digest, so that the same commit gives the same image:
#
#   docker build --build-arg BASE="python:3.13-slim@$(docker buildx imagetools inspect --format '{{.Manifest.Digest}}' python:3.13-slim)" ...
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# Steps that change seldom come first: packages change with their lock, and not with the code.
COPY requirements/build.lock requirements/operator.lock requirements/
RUN python -m venv /build \
 && /build/bin/pip install --only-binary :all: --require-hashes --requirement requirements/build.lock
# One of the vendor's packages comes as source only; what builds it is locked too, so that nothing unpinned is fetched for it.
RUN /build/bin/pip wheel --require-hashes --no-build-isolation --wheel-dir /wheels --requirement requirements/operator.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY operator operator
RUN /build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels .
RUN python -m venv --without-pip /opt/imageferry \
 && /build/bin/pip --python /opt/imageferry/bin/python install --no-index --no-deps /wheels/*.whl \
 && /opt/imageferry/bin/imageferry version

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imageferry" \
      org.opencontainers.image.description="Carries custom machine images between a cloud's compute service and its object store" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# The interpreter's own pip is the one thing here that could install something.
RUN python -m pip uninstall --yes --quiet pip
COPY --from=build /opt/imageferry /opt/imageferry
ENV PATH=/opt/imageferry/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, because the kubelet cannot tell of a name whether it is root; it has no entry in /etc/passwd and needs none.
USER 65532:65532
WORKDIR /
EXPOSE 8080
# No shell in between: SIGTERM reaches the operator itself.
ENTRYPOINT ["imageferry"]
CMD ["run"]
