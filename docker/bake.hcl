# docker buildx bake -f docker/bake.hcl [target…]; every variable may be set in the environment.
variable "REGISTRY_URL" { default = "pmscoring.local" }
variable "VERSION" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
variable "CREATED" { default = "unknown" }
variable "SOURCE" { default = "unknown" }
variable "PYTHON_APP_BASE" { default = "python:3.13.16-slim-trixie" }
variable "PYTHON_INFERENCE_BASE" { default = "python:3.11.16-slim-bookworm" }
variable "POSTGRES_IMAGE" { default = "postgres:17.12-trixie" }
variable "WHEELS_IMAGE" { default = "scratch" }
variable "TORCH_CPU_INDEX" { default = "https://download.pytorch.org/whl/cpu" }
variable "VARIANT" { default = "cpu" }
variable "WEIGHTS" { default = "baked" }

group "default" {
  targets = ["app", "ops", "inference"]
}

target "labels" {
  context = "."
  args = {
    VERSION  = VERSION
    REVISION = REVISION
    CREATED  = CREATED
    SOURCE   = SOURCE
  }
}

target "app" {
  inherits   = ["labels"]
  dockerfile = "docker/app/Dockerfile"
  target     = "production"
  args       = { PYTHON_APP_BASE = PYTHON_APP_BASE }
  tags       = ["${REGISTRY_URL}/pm-scoring-app:${VERSION}"]
}

target "development" {
  inherits = ["app"]
  target   = "development"
  tags     = ["${REGISTRY_URL}/pm-scoring-app:${VERSION}-development"]
}

target "ops" {
  inherits = ["app"]
  target   = "ops"
  tags     = ["${REGISTRY_URL}/pm-scoring-ops:${VERSION}"]
}

target "postgres" {
  inherits   = ["labels"]
  dockerfile = "docker/pitr/Dockerfile"
  target     = "production"
  args       = { POSTGRES_IMAGE = POSTGRES_IMAGE }
  tags       = ["${REGISTRY_URL}/pm-scoring-postgres:${VERSION}"]
}

target "inference" {
  inherits   = ["labels"]
  dockerfile = "docker/inference/Dockerfile"
  target     = "production"
  args = {
    PYTHON_INFERENCE_BASE = PYTHON_INFERENCE_BASE
    WHEELS_IMAGE          = WHEELS_IMAGE
    TORCH_CPU_INDEX       = TORCH_CPU_INDEX
    VARIANT               = VARIANT
    WEIGHTS               = WEIGHTS
  }
  tags = ["${REGISTRY_URL}/pm-scoring-inference:${VERSION}${VARIANT == "cpu" ? "" : "-${VARIANT}"}"]
}
