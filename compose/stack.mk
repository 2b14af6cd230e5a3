# The container stack. OVERLAYS, COMPOSE_PROFILES and every variable of env.example may stand in
# compose/.env, in the environment, or on make's command line.
-include compose/bundle.env
-include compose/.env
OVERLAYS ?= production security
COMPOSE_PROFILES ?= tls,ops
BUNDLE ?= var/bundle
INSTALL_DIR ?= $(CURDIR)
SECRETS_DIR ?= $(CURDIR)/compose/secrets
DOCKER_GID ?= $(shell stat -c %g /var/run/docker.sock 2>/dev/null || echo 999)
HOST_UID := $(shell id -u)
HOST_GID := $(shell id -g)
export OVERLAYS COMPOSE_PROFILES INSTALL_DIR SECRETS_DIR DOCKER_GID HOST_UID HOST_GID
COMPOSE_FILES := $(foreach name,compose $(OVERLAYS),-f compose/$(name).yaml)
SITE_FILES = $(shell compose/site.sh)
PROJECT = $(or $(COMPOSE_PROJECT_NAME),pmscoring)
# VERSION is compose/.env's, the environment's or the command line's; where none says it, that of what
# runs here, or else of this checkout.
ASKED := $(VERSION)
tag = $(shell COMPOSE_PROJECT_NAME="$(PROJECT)" REGISTRY_URL="$(REGISTRY_URL)" VERSION="$(ASKED)" compose/version.sh $(1))
LIVE = $(call tag,live)
WANTED = $(if $(ASKED)$(PULLED),$(or $(ASKED),$(LIVE),$(call tag,wanted)),$(call tag,wanted))
COMPOSE = env VERSION=$(call tag,) $(CALL)
CALL = docker compose $(foreach file,$(SITE_FILES),--env-file $(file)) $(COMPOSE_FILES)
# A registry of somebody's: its images are pulled, and never built.
PULLED = $(filter-out pmscoring.local,$(REGISTRY_URL))
OURS = $(or $(REGISTRY_URL),pmscoring.local)/pm-scoring-
NEEDED = $(addsuffix :$(1),app ops inference $(if $(filter pitr,$(OVERLAYS)),postgres)) $(if $(filter dev,$(OVERLAYS)),app:$(1)-development)

.PHONY: compose-new-enough upgrade rollback swarm-deploy base-images-missing stack-test test-image bench-stack base-images images images-missing bundle init-secrets reload-tls up down logs shell psql manage restore-to top networks stack-config clean-stack
base-images-missing: # Where only stand-ins can be had, build those that are missing
	@SITE= compose/site.sh public || docker/base-images/build.sh --missing

base-images: ## Build stand-ins for the upstream images of Debian's packages (no registry)
	docker/base-images/build.sh

images: ## Build our images for this site with buildx bake; IMAGES="app ops inference postgres development"
	@eval "$$(compose/site.sh exports)"; export VERSION="$(WANTED)"; \
	REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" CREATED="$$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	docker buildx bake -f docker/bake.hcl $(IMAGES)

# Of version OF; or else of the one that runs, or is to run first.
images-missing: OF ?= $(call tag,)
images-missing:
	@version=$(OF); for image in $(call NEEDED,$$version); do \
		docker image inspect $(OURS)$$image >/dev/null 2>&1 && continue; \
		if [ -n "$(PULLED)" ]; then docker pull -q $(OURS)$$image || exit 1; continue; fi; \
		exec $(MAKE) images VERSION=$$version IMAGES="app ops inference $(if $(filter pitr,$(OVERLAYS)),postgres) $(if $(filter dev,$(OVERLAYS)),development)"; \
	done

bundle: ## All images and Compose files in one archive for hosts without registry; BUNDLE=folder
	@version=$(WANTED); $(MAKE) --no-print-directory images-missing OF=$$version && VERSION=$$version compose/bundle.sh $(BUNDLE)

compose-new-enough:
	@compose/up.sh check

init-secrets: compose-new-enough images-missing ## Write the secrets that are missing, and a self-signed certificate
	@mkdir -p -m 0700 $(SECRETS_DIR)
	@$(COMPOSE) run --rm --no-deps -T init-secrets

reload-tls: ## Put TLS_CERT and TLS_KEY in place; nginx takes them without a restart
	@test -f "$(TLS_CERT)" && test -f "$(TLS_KEY)" || { echo "TLS_CERT and TLS_KEY must name files" >&2; exit 1; }
	@install -m 0400 "$(TLS_CERT)" $(SECRETS_DIR)/tls/tls.crt.new
	@install -m 0400 "$(TLS_KEY)" $(SECRETS_DIR)/tls/tls.key.new
	@$(COMPOSE) run --rm --no-deps -T init-secrets python -m pmscoring.secrets --to /secrets --new-pair
	@# Not by `docker kill`: to the engine that is being stopped by hand, and its next restart leaves it out.
	@$(COMPOSE) exec -T nginx nginx -e stderr -t -q
	@$(COMPOSE) exec -T nginx nginx -e stderr -s reload

SITUATION = VERSION=$(call tag,) COMPOSE_PROJECT_NAME=$(PROJECT) LIVE="$(LIVE)" WANTED="$(WANTED)"
up: init-secrets ## Start the stack (OVERLAYS, compose/.env), or what is missing of it; RECREATE="haproxy" replaces that
	@$(SITUATION) SAYS="$(if $(ASKED),VERSION)" compose/up.sh $(CALL)

upgrade: ## Roll out this checkout, or VERSION, without a failed request; DRY=1 MAINTENANCE=1 REASON= YES=1
	@[ -n "$(PULLED)$(DRY)" ] || $(MAKE) --no-print-directory images-missing OF=$(WANTED)
	@$(SITUATION) compose/upgrade.sh upgrade $(CALL)

rollback: ## Back to the release before, or to TO=RELEASE, without a failed request; DRY=1 REASON= YES=1
	@$(SITUATION) compose/upgrade.sh rollback $(CALL)

swarm-deploy: ## On a manager of a Swarm: deploy compose/stack.yaml at the present numbers of containers; DRY=1
	@compose/swarm-deploy.sh

down: ## Stop the stack; the data stay
	@$(COMPOSE) down --remove-orphans

logs: ## Follow the logs; SERVICE="web worker"
	@$(COMPOSE) logs --tail=100 -f $(SERVICE) || test $$? = 130

shell: ## A shell in a container; SERVICE=web
	@$(COMPOSE) exec $(or $(SERVICE),web) sh

psql: ## PostgreSQL's client on the product's database
	@$(COMPOSE) exec postgres sh -c 'PGPASSWORD=$$(cat /run/secrets/database_password) exec psql -h 127.0.0.1 -U pmscoring pmscoring'

manage: ## A command of manage.py in ops, or in a web container where ops does not run; ARGS="backup"
	@[ -t 0 ] && [ -t 1 ] || without_terminal=-T; \
	service=$$($(COMPOSE) ps --services --status running | grep -x ops || echo web); \
	$(COMPOSE) exec $$without_terminal $$service python manage.py $(ARGS)

# What uses the database stops first, and all of it starts again whatever came of it. Before the doors
# open, the restored database is readied as after `manage.py restore`, which prints what it did.
restore-to: ## (overlay pitr) The database as it was at a second; TIME="2026-11-29 09:30:00+09"
	@test -n "$(TIME)" || { echo 'TIME must name a second: make restore-to TIME="2026-11-29 09:30:00+09"' >&2; exit 2; }
	@$(COMPOSE) stop web worker beat ops pitr postgres
	@$(COMPOSE) run --rm --no-deps -T pitr-restore "$(TIME)"; status=$$?; \
	[ $$status -ne 0 ] || { $(COMPOSE) up -d --no-build --wait postgres && \
		$(COMPOSE) run --rm --no-deps -T web python manage.py restored; } || status=$$?; \
	$(COMPOSE) up -d --no-build --wait --wait-timeout 300 && exit $$status

top: ## Processes, then usage of memory and CPU
	@$(COMPOSE) top
	@docker stats --no-stream $$($(COMPOSE) ps -q)

networks: ## Which container has which address in which network
	@for network in $$(docker network ls -q --filter label=com.docker.compose.project=$(PROJECT)); do \
		docker network inspect -f '{{.Name}} {{range .IPAM.Config}}{{.Subnet}}{{end}} internal={{.Internal}}{{range .Containers}}{{println}}    {{.IPv4Address}} {{.Name}}{{end}}' $$network; \
	done

stack-config: ## Show what Compose makes of the files
	@$(COMPOSE) config

# The tests build over and over under one name.
TRIED = $(or $(ASKED),0.1.0)
ifdef VENV
bench-stack: OF = $(TRIED)
bench-stack: images-missing $(VENV)/.bench ## What proxies cost, PostgreSQL's tuning brings, a look at fifty containers takes; NAMES=sampling; needs a quiet machine
	@$(BIN)/python -m tests.bench.stack $(NAMES)
endif

ifdef VENV
stack-test: $(VENV)/.app $(VENV)/.dev ## Bring the whole stack up on a Docker Engine, try it, take it down
	@if docker info >/dev/null 2>&1; then $(MAKE) images VERSION=$(TRIED) IMAGES="app ops inference postgres"; fi
	REGISTRY_URL=$(REGISTRY_URL) VERSION=$(TRIED) $(BIN)/python -m pytest tests/stack

test-image: ## The unit tests inside the development image
	@$(MAKE) images VERSION=$(TRIED) IMAGES=development
	@REGISTRY_URL=$(REGISTRY_URL) VERSION=$(TRIED) docker compose -p pmscoring-test-image --env-file /dev/null -f compose/compose.yaml -f compose/test.yaml --profile tests run --rm -T tests
endif

clean: clean-stack
clean-stack: # Containers that have ended and images that no name points to; never a volume
	@if docker info >/dev/null 2>&1; then \
		docker container prune -f --filter label=com.docker.compose.project=$(PROJECT); \
		docker image prune -f --filter label=pmscoring.part; \
	fi
