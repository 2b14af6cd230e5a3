# The container stack. OVERLAYS, COMPOSE_PROFILES and every variable of env.example may stand in
# compose/.env, in the environment, or on make's command line.
-include compose/.env
OVERLAYS ?= production security
COMPOSE_PROFILES ?= tls,ops
INSTALL_DIR ?= $(CURDIR)
SECRETS_DIR ?= $(CURDIR)/compose/secrets
DOCKER_GID ?= $(shell stat -c %g /var/run/docker.sock 2>/dev/null || echo 999)
HOST_UID := $(shell id -u)
HOST_GID := $(shell id -g)
export COMPOSE_PROFILES INSTALL_DIR SECRETS_DIR DOCKER_GID HOST_UID HOST_GID
COMPOSE_FILES := $(foreach name,compose $(OVERLAYS),-f compose/$(name).yaml)
SITE_FILES = $(shell compose/site.sh)
COMPOSE = docker compose $(foreach file,$(SITE_FILES),--env-file $(file)) $(COMPOSE_FILES)
PROJECT = $(or $(COMPOSE_PROJECT_NAME),pmscoring)
OURS = $(or $(REGISTRY_URL),pmscoring.local)/pm-scoring-

.PHONY: base-images images images-missing init-secrets reload-tls up down logs shell psql top networks stack-config clean-stack
base-images: ## Build stand-ins for the upstream images of Debian's packages (no registry)
	docker/base-images/build.sh

images: ## Build our images for this site with buildx bake; IMAGES="app ops inference development"
	@set -a; for file in $(SITE_FILES); do . $$file; done; set +a; \
	REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" CREATED="$$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	docker buildx bake -f docker/bake.hcl $(IMAGES)

images-missing:
	@for name in app ops inference; do \
		docker image inspect $(OURS)$$name:$(or $(VERSION),0.1.0) >/dev/null 2>&1 || exec $(MAKE) images; \
	done

init-secrets: images-missing ## Write the secrets that are missing, and a self-signed certificate
	@mkdir -p -m 0700 $(SECRETS_DIR)
	@$(COMPOSE) run --rm --no-deps -T init-secrets

reload-tls: ## Put TLS_CERT and TLS_KEY in place; nginx takes them without a restart
	@test -f "$(TLS_CERT)" && test -f "$(TLS_KEY)" || { echo "TLS_CERT and TLS_KEY must name files" >&2; exit 1; }
	@install -m 0444 "$(TLS_CERT)" $(SECRETS_DIR)/tls/tls.crt.new && mv $(SECRETS_DIR)/tls/tls.crt.new $(SECRETS_DIR)/tls/tls.crt
	@install -m 0444 "$(TLS_KEY)" $(SECRETS_DIR)/tls/tls.key.new && mv $(SECRETS_DIR)/tls/tls.key.new $(SECRETS_DIR)/tls/tls.key
	@$(COMPOSE) exec -T nginx nginx -t -q
	@$(COMPOSE) kill -s HUP nginx

up: init-secrets ## Start the stack (OVERLAYS, compose/.env), building what is missing
	@$(COMPOSE) up -d --no-build --remove-orphans --wait --wait-timeout 300
	@# The first user's password is shown once, and goes with the log of the container that made it.
	@if $(COMPOSE) logs --no-log-prefix migrate | grep -A1 'First start'; then $(COMPOSE) rm -f migrate >/dev/null 2>&1; fi

down: ## Stop the stack; the data stay
	@$(COMPOSE) down --remove-orphans

logs: ## Follow the logs; SERVICE="web worker"
	@$(COMPOSE) logs --tail=100 -f $(SERVICE)

shell: ## A shell in a container; SERVICE=web
	@$(COMPOSE) exec $(or $(SERVICE),web) sh

psql: ## PostgreSQL's client on the product's database
	@$(COMPOSE) exec postgres sh -c 'PGPASSWORD=$$(cat /run/secrets/database_password) exec psql -h 127.0.0.1 -U pmscoring pmscoring'

top: ## Processes, then usage of memory and CPU
	@$(COMPOSE) top
	@docker stats --no-stream $$($(COMPOSE) ps -q)

networks: ## Which container has which address in which network
	@for network in $$(docker network ls -q --filter label=com.docker.compose.project=$(PROJECT)); do \
		docker network inspect -f '{{.Name}} {{range .IPAM.Config}}{{.Subnet}}{{end}} internal={{.Internal}}{{range .Containers}}{{println}}    {{.IPv4Address}} {{.Name}}{{end}}' $$network; \
	done

stack-config: ## Show what Compose makes of the files
	@$(COMPOSE) config

clean: clean-stack
clean-stack: # Containers that have ended and images that no name points to; never a volume
	@if docker info >/dev/null 2>&1; then \
		docker container prune -f --filter label=com.docker.compose.project=$(PROJECT); \
		docker image prune -f --filter label=org.opencontainers.image.title; \
	fi
