# One image for all of our own services: workers, cron scheduler, exporter, viewer.
ARG PYTHON_IMAGE=python:3.13-slim

# What pip needs to install stays behind in this stage.
FROM ${PYTHON_IMAGE} AS packages
COPY requirements/runtime.txt /tmp/runtime.txt
RUN pip install --require-hashes --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
        --prefix=/packages --requirement /tmp/runtime.txt

FROM ${PYTHON_IMAGE}
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN groupadd --gid 10001 rq-mon \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app rq-mon \
 && pip uninstall --quiet --yes --root-user-action=ignore pip
COPY --from=packages /packages /usr/local
WORKDIR /app
COPY . .
RUN python -m compileall -q .
# The version of the code that workers report.
ARG RQ_MON_VERSION=
ENV RQ_MON_VERSION=${RQ_MON_VERSION}
USER 10001:10001
