# The portal. Build it from the checkout: docker build -f docker/portal.Dockerfile -t portal .
FROM python:3.13.5-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY cdc cdc
COPY config/mappings config/mappings
COPY sandbox sandbox
# The files that the tests ran with, by their hashes; what only tests need is not installed.
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN pip install --require-hashes --requirement requirements/build.txt \
    && pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . ./sandbox \
    && python -m venv /opt/portal \
    && /opt/portal/bin/pip install --require-hashes --requirement requirements/portal.txt \
        --requirement requirements/sandbox.txt \
    && /opt/portal/bin/pip install --no-deps --no-index /wheel/*.whl
COPY portal /srv/portal
ENV PORTAL_STATIC_ROOT=/srv/static
# It reads the settings, and uses neither key nor database.
RUN PORTAL_SECRET_KEY=unused PORTAL_DATABASE_URL=mysql://unused \
    /opt/portal/bin/python /srv/portal/manage.py collectstatic --no-input

FROM python:3.13.5-slim-bookworm
COPY --from=build /opt/portal /opt/portal
COPY --from=build /srv /srv
# Whoever runs it needs no right on the machine.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin portal
USER 10001
WORKDIR /srv
ENV PATH=/opt/portal/bin:$PATH PORTAL_STATIC_ROOT=/srv/static PYTHONUNBUFFERED=1
EXPOSE 8000
# Any answer but a failure will do: it may redirect to HTTPS, or not know itself as 127.0.0.1.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); c.request('GET', '/login/'); assert c.getresponse().status < 500"]
CMD ["gunicorn", "portal.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--threads=4", "--worker-tmp-dir=/dev/shm", "--no-control-socket"]
