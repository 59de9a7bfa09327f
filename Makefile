# `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME_LOCK := requirements/runtime.txt
DEV_LOCK := requirements/dev.txt
RQ3_LOCK := requirements/rq3.txt
RQ3_VENV := .venv-rq3
MUTATION_LOCK := requirements/mutation.txt
MUTATION_VENV := .venv-mutation

# Tests start thousands of Python processes, each of which would compile the project again.
unexport PYTHONDONTWRITEBYTECODE

# Values on the command line are text: neither make nor a shell evaluates them. Only ARGS goes to the shell.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),\
    $(eval override export $(name) := $$(value $(name)))))
define newline


endef
quoted = '$(subst $(newline), ,$(subst ','\'',$(1)))'

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- running it ----

RUN_STACK = $(BIN)/python -m stack

.PHONY: start-rq-mon stop-rq-mon restart status scale backup restore logs demo clean
start-rq-mon: $(VENV)/.runtime ## Start the stack and wait until it is healthy (RUNTIME=compose|native forces one; YES=1 does not ask)
	@$(RUN_STACK) start

stop-rq-mon: $(VENV)/.runtime ## Stop the stack, keep its data (SERVICE=name stops one service)
	@$(RUN_STACK) stop $(if $(SERVICE),$(call quoted,$(SERVICE)))

restart: $(VENV)/.runtime ## Restart one service with the current settings (SERVICE=name)
	@$(RUN_STACK) restart $(call quoted,$(SERVICE))

status: $(VENV)/.runtime ## Show the services and their health
	@$(RUN_STACK) status

scale: $(VENV)/.runtime ## Set the number of workers of a queue, now and later (QUEUE=short-running WORKERS=5)
	@$(RUN_STACK) scale $(call quoted,$(QUEUE)) $(call quoted,$(WORKERS))

logs: $(VENV)/.runtime ## Follow the logs of all services (SERVICE=name for one)
	@$(RUN_STACK) logs $(if $(SERVICE),$(call quoted,$(SERVICE)))

demo: $(VENV)/.runtime ## Enqueue realistic jobs for a minute (SECONDS=600 for longer); only in the stack's own Redis
	@$(RUN_STACK) demo $(if $(SECONDS),--seconds $(call quoted,$(SECONDS)))

backup: $(VENV)/.runtime ## Copy queues and metrics to a file while the stack runs (FILE=name, else in backups/)
	@$(RUN_STACK) backup $(if $(FILE),$(call quoted,$(FILE)))

restore: $(VENV)/.runtime ## Restore a backup over the current data; asks first (FILE=name; YES=1 does not ask)
	@$(RUN_STACK) restore $(call quoted,$(FILE))

clean: $(VENV)/.runtime ## Stop the stack and remove its data; asks first (YES=1 does not ask)
	@$(RUN_STACK) clean

.PHONY: pin-images install-service
pin-images: $(VENV)/.runtime ## Pin every image by its digest, in docker-compose-pinned.yml (needs the registries)
	@$(BIN)/python -m stack.compose.pins

install-service: $(VENV)/.runtime ## Let systemd start the native stack after a reboot (as root)
	@$(BIN)/python -m stack.native.service

.PHONY: swarm-deploy
swarm-deploy: $(VENV)/.runtime ## Deploy to this machine's Docker Swarm, or update what runs there
	@$(BIN)/python -m deploy.swarm $(if $(STACK),--stack $(call quoted,$(STACK)))

# ---- the Python environment: installed only if a lock file has changed ----

$(BIN)/python:
	@stack/native/create-venv $(PYTHON) $(VENV)

# The stamp is touched last, so that an interrupted install is repeated.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r

$(VENV)/.runtime: $(RUNTIME_LOCK) | $(BIN)/python
	@echo "Installing Python packages into $(VENV)"
	@$(PIP_INSTALL) $(RUNTIME_LOCK)
	@touch $@

$(VENV)/.dev: $(DEV_LOCK) $(VENV)/.runtime
	@echo "Installing Python packages for development into $(VENV)"
	@$(PIP_INSTALL) $(DEV_LOCK)
	@touch $@

.PHONY: lock
lock: $(VENV)/.dev ## Update the lock files from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --all-extras -o $(RUNTIME_LOCK) pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --all-extras --group dev -c $(RUNTIME_LOCK) -o $(DEV_LOCK) pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --group rq3 -o $(RQ3_LOCK) pyproject.toml
	for rq in 2 3; do \
	    $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	        --group frameworks-rq$$rq -o requirements/frameworks-rq$$rq.txt pyproject.toml; \
	done
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --all-extras --group dev --group mutation -c $(DEV_LOCK) -o $(MUTATION_LOCK) pyproject.toml

.PHONY: wheels
wheels: $(VENV)/.dev ## Build the wheels of both distributions into dist/
	@for source in . scheduler; do $(BIN)/uv build --quiet --wheel --out-dir dist $$source; done

$(RQ3_VENV)/.installed: $(RQ3_LOCK)
	@echo "Installing RQ 3 into $(RQ3_VENV)"
	@stack/native/create-venv $(PYTHON) $(RQ3_VENV)
	@$(RQ3_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(RQ3_LOCK)
	@touch $@

$(MUTATION_VENV)/.installed: $(MUTATION_LOCK)
	@echo "Installing Python packages for mutants into $(MUTATION_VENV)"
	@stack/native/create-venv $(PYTHON) $(MUTATION_VENV)
	@$(MUTATION_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(MUTATION_LOCK)
	@touch $@

# ---- the viewer's page: the build is committed, so only those who change it need Node ----

VIEWER = grafana/viewer/browser
VIEWER_PACKAGES = $(VIEWER)/node_modules/.installed

.PHONY: viewer lint-viewer check-viewer
viewer: $(VIEWER_PACKAGES) ## Build the viewer's page (needs Node 20)
	@cd $(VIEWER) && npm run --silent build

lint-viewer: $(VIEWER_PACKAGES) ## Check types and style of the viewer's page
	@cd $(VIEWER) && npm run --silent lint

check-viewer: $(VIEWER_PACKAGES) ## Rebuild the viewer's page, and compare it byte by byte with the committed one
	@built=$$(mktemp -d); trap 'rm -rf "$$built"' EXIT; \
	    (cd $(VIEWER) && node build/main.mjs "$$built"); diff -r "$$built" grafana/viewer/bundle

$(VIEWER_PACKAGES): $(VIEWER)/package.json $(VIEWER)/package-lock.json
	@cd $(VIEWER) && npm ci --silent
	@touch $@

# ---- working on it ----

# A file's tests share servers, so a whole file goes to one process. Most tests wait: four processes use three
# quarters of two cores, six use all. Stacks in containers take two: while one starts, each of its containers runs a
# check every second.
BY_FILE = --dist loadfile --no-loadscope-reorder -n
IN_PARALLEL = $(BY_FILE) $(call quoted,$(or $(PROCESSES),6))
CONTAINERS_IN_PARALLEL = $(BY_FILE) $(call quoted,$(or $(PROCESSES),2))
# Unless ARGS names files, collect only files with such a test: six processes need a minute to collect all.
WITH_STACKS = $(if $(findstring tests/,$(ARGS)),,$$(grep -rl --include 'test_*.py' --exclude-dir mutation 'mark\.e2e' tests))
ON_BOTH_RQS = $(addprefix tests/,rq_mon/worker rq_mon/state rq_mon/jobs rq_mon/cli scheduler) \
    $(addprefix tests/rq_mon/web/test_,pages.py changes.py running_and_cron.py scans.py links.py)

.PHONY: test test-fast fuzz test-e2e test-proofs test-rq3 test-compose test-grafana bench drill fault-run soak mutation lint readability format dashboards docs manifests screenshots
test: $(VENV)/.dev ## Run the tests (ARGS="-k name" for some; PROCESSES=8 with more cores)
	@$(BIN)/python -m stack.native.programs_for_tests
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not compose and not e2e" $(ARGS)

test-fast: $(VENV)/.dev ## Run the fast tests, about a minute in all
	@$(BIN)/python -m stack.native.programs_for_tests
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not compose and not e2e and not slow" --durations 5 $(ARGS)

fuzz: $(VENV)/.dev ## Try ten times as many inputs as `make test`, new ones each time (FUZZ=100 for more)
	FUZZ=$(call quoted,$(or $(FUZZ),10)) $(BIN)/python -m pytest $(IN_PARALLEL) -m "not e2e" tests/fuzz $(ARGS)

test-e2e: $(VENV)/.dev $(RQ3_VENV)/.installed ## Test whole stacks and applications, which take too long for `make test`
	@$(BIN)/python -m stack.native.programs_for_tests
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "e2e and not proof" $(WITH_STACKS) $(ARGS)

test-proofs: $(VENV)/.dev $(RQ3_VENV)/.installed ## Run the long versions of CI's tests, before a release (half an hour)
	@$(BIN)/python -m stack.native.programs_for_tests
	$(BIN)/python -m pytest $(IN_PARALLEL) -m proof $(WITH_STACKS) $(ARGS)
	$(RQ3_VENV)/bin/python -m pytest $(IN_PARALLEL) -m e2e $(ON_BOTH_RQS) $(ARGS)

test-rq3: $(RQ3_VENV)/.installed ## Test the code that runs in users' workers with RQ 3
	$(RQ3_VENV)/bin/python -m pytest $(IN_PARALLEL) -m "not e2e" $(ON_BOTH_RQS) $(ARGS)

test-compose: $(VENV)/.dev ## Test the stack in containers; needs a Docker engine
	$(BIN)/python -m pytest $(CONTAINERS_IN_PARALLEL) -m compose tests/stack/compose $(ARGS)

test-grafana: $(VENV)/.dev ## Test the dashboards in a Grafana container, if its image is available
	@$(BIN)/python -m stack.native.programs_for_tests
	$(BIN)/python -m pytest -m compose tests/stack/compose/test_grafana.py $(ARGS)

bench: $(VENV)/.dev ## Measure what the README promises (ARGS="throughput" for one part)
	@$(BIN)/python -m proofs.bench $(ARGS)

drill: $(VENV)/.runtime ## Break a copy of the stack in every way, and check that each alert arrives (ARGS="--short" for a few)
	@$(BIN)/python -m proofs.drill $(ARGS)

fault-run: $(VENV)/.dev ## Kill and freeze everything under 10,000 jobs, and account for each (SEED=n, ARGS="--short")
	@$(BIN)/python -m stack.native.programs_for_tests
	@$(BIN)/python -m proofs.fault_run $(if $(MINUTES),--minutes $(call quoted,$(MINUTES))) $(if $(SEED),--seed $(call quoted,$(SEED))) \
	    $(if $(findstring --short,$(ARGS)),,--markdown docs/proofs/fault-run.md) $(ARGS)

soak: $(VENV)/.dev ## Put load on a copy of the stack, and check that nothing grows (MINUTES=60)
	@$(BIN)/python -m proofs.soak $(if $(MINUTES),--minutes $(call quoted,$(MINUTES))) --markdown docs/proofs/soak.md $(ARGS)

mutation: $(MUTATION_VENV)/.installed ## Put 500 small faults into a copy of the code, and count those that the tests catch (SEED=n, MUTANTS=50)
	@$(MUTATION_VENV)/bin/python -m stack.native.programs_for_tests
	@$(MUTATION_VENV)/bin/python -m pytest -q -n 0 tests/proofs/mutation
	@nice $(MUTATION_VENV)/bin/python -m proofs.mutation $(if $(SEED),--seed $(SEED)) $(if $(MUTANTS),--mutants $(MUTANTS)) \
	    --markdown docs/proofs/mutation.md $(ARGS)

lint: $(VENV)/.dev ## Check style, types, spelling and plain English
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python -m docs.reference.prose

readability: $(VENV)/.dev ## Show each page's sentence lengths and reading grade
	@$(BIN)/python -m docs.reference.readability

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dashboards: $(VENV)/.runtime ## Generate the dashboards' JSON
	$(BIN)/python -m grafana

docs: $(VENV)/.runtime ## Write the generated parts of docs/, .env.example, README and other files
	$(BIN)/python -m docs.reference

manifests: $(VENV)/.runtime ## Generate the Kubernetes manifests, and the package's copies of rules and dashboards
	$(BIN)/python -m deploy.kubernetes
	$(BIN)/python -m deploy.package_data

screenshots: $(VENV)/.dev ## Take pictures of the running stack's dashboards and job pages, light and dark, at two widths
	$(BIN)/python -m proofs.screenshots $(ARGS)
	$(BIN)/python -m proofs.job_page_pictures
