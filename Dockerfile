# Popscape without a GPU:  docker build -t popscape . && docker run --init -p 127.0.0.1:8501:8501 -v popscape:/data popscape
FROM python:3.11-slim

RUN apt-get update -q && apt-get install -y -q --no-install-recommends make && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 popscape && install -d -o popscape /app /data
USER popscape
WORKDIR /app

# Of two builds of one version pip takes the one with a name of its own, "+cpu": gigabytes of CUDA stay away.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu PIP_NO_CACHE_DIR=1

# What is installed changes seldom, what is copied often: the packages are a layer of their own.
COPY --chown=popscape Makefile requirements.txt requirements-login.txt ./
RUN make .venv/bin/python \
 && .venv/bin/python -m pip install -q --disable-pip-version-check -r requirements.txt -r requirements-login.txt
COPY --chown=popscape . .
RUN make .venv/app.stamp

# Inside, it answers every address: what can reach it is what is published outside, and for which names it answers.
ENV POPSCAPE_HOME=/data STREAMLIT_SERVER_ADDRESS=0.0.0.0
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD [".venv/bin/streamlit", "run", "app.py"]
