.DEFAULT_GOAL := help
PYTHON ?= python3

help:  ## print this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install:  ## what running and testing need
	$(PYTHON) -m pip install -r requirements-dev.txt

run:  ## the dashboard, at http://127.0.0.1:8501
	$(PYTHON) -m streamlit run app.py

exchange:  ## a local exchange on port 8900: Binance futures, or make exchange VENUES="okx kraken"
	$(PYTHON) -m tools.exchange --port 8900 $(foreach venue,$(VENUES),--market $(venue))

check:  ## format, lint and types
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

fix:  ## format and mend what ruff can
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

test:  ## all tests, on two cores
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

mutations:  ## ten thousand mutated uploads: read as they say or refused in one sentence; two minutes
	MUTATIONS=10000 $(PYTHON) -m pytest tests/uploads/test_mutations.py -q

frames:  ## twenty thousand mutated frames of each venue, of trades and of books; [SEED=1000] for others
	MUTATED_FRAMES=20000 $(PYTHON) -m pytest tests/feeds/test_bursts.py tests/feeds/test_market_codecs.py -q

books:  ## a million updates of a book, equal to their replay by pandas; [SEED=1000] for others
	BOOK_UPDATES=1000000 $(PYTHON) -m pytest tests/books/test_replay.py -q --timeout 0

kills:  ## two hundred killed writers; three hundred damaged files each of ticks, books, paper runs, alerts; [SEED=1000] for others
	KILLS=200 DAMAGED_FILES=300 $(PYTHON) -m pytest tests/runtime/stores/test_kills.py tests/runtime/stores/test_seal_kills.py tests/runtime/stores/test_market_seal_kills.py \
	tests/runtime/stores/test_damaged_files.py tests/runtime/stores/test_damaged_market.py \
	tests/runtime/paper/test_damaged_journals.py tests/runtime/alerts/test_damaged_alerts.py \
	tests/history_files/test_published_import.py -q -n 2

bus-kills:  ## forty kills of brokers and readers of a bus during 200,000 trades: one NATS server, the leader of three, memory
	BUS_TICKS=200000 BUS_KILLS=40 $(PYTHON) -m pytest tests/sinks/test_kills.py -q -n 0 --timeout 1800

stream-engines:  ## pairs in Spark and in Flink, killed in the middle; makes var/flink once, the environment of Flink (1 GB)
	$(PYTHON) -m pip install -q -r requirements-engines.txt
	test -e var/flink/made || { $(PYTHON) -m venv var/flink && var/flink/bin/python -m pip install -q apache-flink==2.3.0 && \
	var/flink/bin/python -m pip install -q "numba>=0.68,<0.70" "scipy>=1.17,<2" "pyarrow>=26,<28" "msgspec>=0.22,<1" "joblib>=1.5,<2" numpy==2.1.3 && \
	touch var/flink/made; }
	FLINK_PYTHON=$(CURDIR)/var/flink/bin/python $(PYTHON) -m pytest tests/examples/test_spark.py tests/examples/test_flink_streaming.py -q -n 0 --timeout 0

chaos:  ## two venues and their recorders under every fault at once, is the tape whole? make chaos MINUTES=60 [SEED=1]
	$(PYTHON) -m tools.chaos --minutes $(or $(MINUTES),3) --every $(or $(EVERY),20) $(if $(SEED),--seed $(SEED))

scenario:  ## record, seal, scan, SQL, backtest, dashboard; the same digest for SIZE=laptop, server and cluster
	$(PYTHON) -m tools.scenario $(or $(SIZE),laptop)

bench:  ## every benchmark, one table each; bench-tape apart
	@for file in $(filter-out benchmarks/bench_soak.py benchmarks/bench_tape.py,$(wildcard benchmarks/bench_*.py)); do echo "== $$file"; $(PYTHON) -m benchmarks.$$(basename $$file .py) || exit 1; done

bench-tape:  ## the tape from the socket to the disk, beside the program as it was: a quarter of an hour
	$(PYTHON) -m benchmarks.bench_tape

bench-live:  ## received -> painted on live page and watchlist: one browser, 20 and 100 clients, with and without the channel
	$(PYTHON) -m benchmarks.bench_live
	$(PYTHON) -m benchmarks.bench_watchlist

calibration:  ## write docs/calibration.md: how often each verdict is wrong on simulated markets; minutes
	$(PYTHON) -m calibration

pins:  ## write requirements.txt and requirements-dev.txt from pyproject.toml; scripts/pins.py --upgrade for the newest
	$(PYTHON) scripts/pins.py

audit:  ## ask the databases of known vulnerabilities about every pinned version; needs the network and pip-audit
	$(PYTHON) -m pip_audit --version >/dev/null 2>&1 || $(PYTHON) -m pip install pip-audit
	$(PYTHON) -m pip_audit --strict --disable-pip --no-deps -r requirements-dev.txt

settings:  ## write docs/settings.md from config.py
	$(PYTHON) -m scripts.write_settings

map:  ## write README's map of the house from the docstrings
	$(PYTHON) -m scripts.write_map

architecture:  ## draw docs/architecture.png from the real imports
	$(PYTHON) -m scripts.draw_architecture

docs:  ## build the documentation, API included, into var/site (needs docs/requirements.txt)
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(PYTHON) -m mkdocs build --strict

.PHONY: help install run exchange check fix test mutations frames books kills bus-kills stream-engines chaos scenario bench bench-live bench-tape calibration pins audit settings map architecture docs
