# Of a bundle: the container stack, without its sources. docs/containers.md tells of it.
.PHONY: help clean
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | grep -vE '^(base-images|base-images-missing|images|bundle|bench-stack|stack-test|test-image):' | sed -E 's/:.*## /\t/' | expand -t 22

clean: ## Remove containers that have ended and nameless images; never data

include compose/stack.mk
