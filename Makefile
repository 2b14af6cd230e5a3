# Needs make and Python 3.11 or later, and nothing else.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# pip shows its progress where somebody can see it. It compiles nothing: Python compiles what is
# imported when it is imported, a small part of all.
PIP := $(BIN)/python -m pip install $(if $(MAKE_TERMOUT),,-q) --no-compile --disable-pip-version-check
# An index that has torch's CPU build, such as https://download.pytorch.org/whl/cpu. Without one, and
# without a wheel in a folder of find-links, PyPI's build for CUDA is taken: about 3 GB.
TORCH_INDEX ?=
PINS := $(addprefix requirements/,app.txt embedded.txt inference.txt dev.txt)
export PYTHONPATH := .:docker/inference

.PHONY: help demo run check resolve test restore-test fresh-test faults drills browser-test screenshots bench bench-agreement bench-attackers bench-autoscale bench-backup bench-corpus bench-gaming bench-marking bench-order bench-uncalibrated gpu-kit weights messages clean
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

demo: $(VENV)/.app ## Score the sample exam through REST, print marks and agreement, stop
	$(BIN)/python manage.py demo

run: $(VENV)/.app ## Serve everything on this machine until Ctrl-C
	$(BIN)/python manage.py run

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pmscoring.embedded.volumes
	@touch $@

# Nothing but torch comes from that index. Its version there, 2.13.0+cpu or the like, is the pinned one
# to pip, so the next installation leaves it.
$(VENV)/.torch: requirements/inference.txt | $(VENV)/.made
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url "$(TORCH_INDEX)" "$$(grep '^torch==' $<)")
	@touch $@

$(VENV)/.app: requirements/app.txt requirements/embedded.txt requirements/inference.txt | $(VENV)/.torch
	$(PIP) -r requirements/app.txt -r requirements/embedded.txt -r requirements/inference.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.app
	$(PIP) -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt | $(VENV)/.dev
	$(PIP) -r requirements/bench.txt
	@touch $@

check: $(VENV)/.app $(VENV)/.dev resolve ## Lint, format, types, layers, migrations, pins
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	@# It would like to ask a database for the applied migrations, and does without.
	DATABASE_POOL_SECONDS=0.1 $(BIN)/python -W ignore manage.py makemigrations --check --dry-run

resolve: $(VENV)/.app $(VENV)/.dev ## The pins resolve on Python 3.11 and 3.13
	for version in 3.11 3.13; do \
		$(BIN)/uv pip compile -q --no-header --python-version $$version $(PINS) >/dev/null || exit 1; \
	done

# Their tests restore whole installations and kill what does it, in processes of their own.
RESTORES := $(wildcard tests/opsconsole/backups/test_restore*.py) \
	$(addprefix tests/opsconsole/backups/test_,beside.py round_trip.py take_killed.py)

test: $(VENV)/.app $(VENV)/.dev ## All tests that need no Docker, no browser and no restore, side by side
	$(BIN)/python -m pytest -n auto --dist loadfile --durations 12 \
		--ignore=tests/faults --ignore=tests/stack --ignore=tests/bench --ignore=tests/browser --ignore=tests/drills \
		--ignore=tests/fresh $(addprefix --ignore=,$(RESTORES))

restore-test: $(VENV)/.app $(VENV)/.dev ## Restore whole installations, and kill backups and restores on their way
	$(BIN)/python -m pytest -n auto --dist loadfile $(RESTORES)

fresh-test: $(VENV)/.app $(VENV)/.dev ## `make demo` on fresh clones: as root, as a user, in a slim container; a newcomer's first backup
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/fresh

faults: $(VENV)/.app $(VENV)/.dev ## Kill parts in the middle of the work; all must be scored once
	$(BIN)/python -m pytest tests/faults

browser-test: $(VENV)/.app $(VENV)/.dev ## The pages in a real Chromium (Debian packages: .ci/browser)
	$(BIN)/python -m pytest -n 2 --dist load tests/browser

screenshots: $(VENV)/.app $(VENV)/.dev ## Draw the pictures of the READMEs anew, into docs/images
	$(BIN)/python -m pytest tests/browser/screenshots.py

drills: $(VENV)/.app $(VENV)/.dev ## Deploy under load on Compose and Swarm, kill who deploys, restore to a second; DRILLS="kills pitr", KILL_ENGINE=yes: dockerd too
	@$(MAKE) images IMAGES="app ops inference postgres"
	STACK_REQUIRED=yes KILL_ENGINE=$(KILL_ENGINE) REGISTRY_URL=$(REGISTRY_URL) VERSION=$(VERSION) $(BIN)/python -m pytest $(or $(DRILLS:%=tests/drills/test_%.py),tests/drills)

bench: export THROTTLE_RATE_SCORE = 1000000/min
bench: $(VENV)/.app $(VENV)/.bench ## Measure; results go to var/bench/
	$(BIN)/python -m pmscoring.embedded --under bench --fresh $(BIN)/python -m tests.bench

bench-agreement: $(VENV)/.bench weights ## Agreement after calibration; DATA=a folder of CSV files
	$(BIN)/python -m tests.bench.agreement $(DATA) $(AGREEMENT)

bench-attackers: $(VENV)/.app $(VENV)/.dev ## How soon others are answered while callers attack the site
	$(BIN)/python -m tests.bench.attackers

bench-marking: $(VENV)/.app $(VENV)/.dev ## From submit to the next answer with 100,000 stored
	$(BIN)/python -m tests.bench.marking_page

bench-autoscale: $(VENV)/.app $(VENV)/.dev ## Policies of scaling beside an oracle in a simulator; SCENARIOS=parts of names, SEEDS=3, RECORDED=a file of `autoscale --export`
	$(BIN)/python -m tests.bench.autoscale $(SCENARIOS) $(addprefix --seeds ,$(SEEDS)) $(addprefix --recorded ,$(RECORDED))

bench-backup: $(VENV)/.app $(VENV)/.dev ## Backup and restore beside pg_dump and pg_restore; GIB="1 4"
	$(BIN)/python -m tests.bench.backup $(GIB)

bench-corpus: export DJANGO_SETTINGS_MODULE = pmscoring.settings
bench-corpus: $(VENV)/.app $(VENV)/.dev weights ## The sample exam's answers in every kind of file: the same marks?
	$(BIN)/python -m tests.bench.corpus

bench-gaming: $(VENV)/.app $(VENV)/.dev weights ## What dishonest texts earn; DATA=a folder of CSV files, QUESTIONS=3, EACH=20, MARKS=48 or all
	$(BIN)/python -m tests.bench.gaming $(DATA) $(addprefix --questions ,$(QUESTIONS)) $(addprefix --each ,$(EACH)) \
		$(addprefix --marks ,$(MARKS)) $(GAMING)

gpu-kit: $(VENV)/.dev weights ## Weights and texts for `python -m tests.gpu`, which measures on a GPU; to var/gpu-kit/
	$(BIN)/python -m tests.gpu.kit

bench-order: $(VENV)/.bench weights ## Word order that no writer has; DATA=a folder of CSV files, ORDER=options
	$(BIN)/python -m tests.bench.order $(DATA) $(ORDER)

bench-uncalibrated: $(VENV)/.bench weights ## Agreement without human marks; DATA=a folder of CSV files
	$(BIN)/python -m tests.bench.uncalibrated $(DATA)

weights: $(VENV)/.app ## Fetch the default encoder into var/models/e5-small
	$(BIN)/python -m inference_server.weights --to var/models/e5-small

messages: $(VENV)/.app $(VENV)/.dev ## Collect the texts (needs gettext) and compile the catalogues
	$(BIN)/python manage.py makemessages --all --ignore 'var/*' --ignore '.venv*/*'
	$(BIN)/python -m tests.messages

clean: ## Remove what the build made; never data, but of folders that are gone (docs/operations.md)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
	@$(PYTHON) -m pmscoring.embedded.homes

include compose/stack.mk
