# One image for web, worker, beat, migrate and mlflow: they differ by their command alone (docker-compose.yml).
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# Exact versions with hashes, before the code: a change of code keeps this layer.
COPY requirements.txt .
RUN pip install --no-deps --require-hashes -r requirements.txt

COPY manage.py ./
COPY config ./config
COPY apps ./apps
COPY templates ./templates
COPY static ./static
COPY scripts/probe.py ./scripts/probe.py

# Static files are compressed and named by content, as production serves them; the key is for this one line.
RUN ASSENT_MODE=production ASSENT_ALLOWED_HOSTS=build.invalid ASSENT_DATA_DIR=/tmp/build \
    ASSENT_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    python manage.py collectstatic --noinput --verbosity 0

RUN useradd --system --create-home --uid 10001 assent && install -d -o assent -g assent /data
USER assent
ENV ASSENT_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--no-control-socket", "--bind", "0.0.0.0:8000", "--worker-class", "config.web.StayingWorker", "--workers", "2", "--threads", "8", "--limit-request-line", "8190"]
