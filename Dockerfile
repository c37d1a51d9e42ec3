# The dashboard, the recorder and, as target "lab", Jupyter: one image, started by another command each (compose.yaml).
FROM python:3.13-slim-bookworm AS app

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/venv/bin:$PATH

RUN groupadd --gid 10001 alphastream \
    && useradd --uid 10001 --gid 10001 --create-home --shell /usr/sbin/nologin alphastream \
    && install -d -o alphastream -g alphastream /app /data \
    && python -m venv /opt/venv

# Before the sources: a change of them installs nothing anew.
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt

USER 10001:10001
COPY --chown=alphastream:alphastream . .

# Machine code is kept beside the sources, which is why the user owns them. Code for "generic" runs on every processor of
# the image's architecture; a name that LLVM knows, such as --build-arg CPU=x86-64-v3, makes it for the one that builds.
ARG CPU=generic
ENV NUMBA_CPU_NAME=$CPU
RUN python -m alphastream

# Within a container every interface is the container's own; what is published decides who reaches it.
ENV ALPHASTREAM_DATA_DIR=/data \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_HEADLESS=true
VOLUME /data
EXPOSE 8501
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "scripts.is_healthy"]
CMD ["streamlit", "run", "app.py"]

FROM app AS lab
USER 0
RUN pip install jupyterlab==4.6.6 matplotlib==3.11.2 polars==2.1.0
USER 10001:10001
# Notebooks start in their own folder; the library lies above it.
ENV PYTHONPATH=/app
EXPOSE 8888
HEALTHCHECK NONE
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", "--notebook-dir=/app/examples"]

FROM app AS default
