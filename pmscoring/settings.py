"""All settings, from the environment alone; docs/configuration.md lists every variable."""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

from pmscoring.base import env, rotating
from pmscoring.base.body_limits import FORM_BYTES
from pmscoring.base.connecting import Account, FreshConnection, without_account
from pmscoring.base.logs import LEVELS, logging_config

BASE_DIR = Path(__file__).parent.parent
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))
ENVIRONMENT = env.choice(
    "ENVIRONMENT", "development", ("development", "staging", "production", "test")
)
VERSION = env.text("VERSION", "0.1.0")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.flag("DEBUG", False)
if DEBUG and PRODUCTION:
    raise env.BadSetting("DEBUG shows settings and data to everyone; production runs without it")
# None as a default: production does not start without the variable.
SECRET_KEY = env.text("SECRET_KEY", None if PRODUCTION else "only-for-development")
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", None if PRODUCTION else "localhost,127.0.0.1,[::1],testserver"
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_prometheus",
    "health_check",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pmscoring.apps.ProjectConfig",
    "pmscoring.base",
    "scoring",
    "opsconsole",
]
MIDDLEWARE = [
    "pmscoring.metrics.HttpMetricsMiddleware",
    "pmscoring.request_log.RequestIdMiddleware",
    "pmscoring.health.live.LiveMiddleware",
    "pmscoring.holding.HoldMiddleware",
    "pmscoring.nul.NulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pmscoring.csp.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "pmscoring.bodies.BodyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "pmscoring.urls"
WSGI_APPLICATION = "pmscoring.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "pmscoring" / "templates"],  # before those of the theme
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASE_URL = env.url(
    "DATABASE_URL",
    "postgresql://postgres@127.0.0.1:5432/pmscoring",
    ("postgresql", "postgres"),
    env.text("DATABASE_PASSWORD", ""),
)
# A password in a file of its own may be rotated: connections then read it anew.
PASSWORDS_IN_FILES = {
    secret
    for secret, address in (
        ("DATABASE_PASSWORD", env.text("DATABASE_URL", "")),
        ("BROKER_PASSWORD", env.text("BROKER_URL", "") or env.text("REDIS_URL", "")),
        ("CACHE_PASSWORD", env.text("CACHE_URL", "") or env.text("REDIS_URL", "")),
    )
    if rotating.is_in_file(secret) and urlsplit(address).password is None
}
database = dj_database_url.parse(DATABASE_URL, engine="django_prometheus.db.backends.postgresql")
DATABASES = {
    "default": {
        **database,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            **database.get("OPTIONS", {}),
            # A pool that gives up soon tries anew at the next request, so it is back with the
            # database; by default it would wait twice as long after each try.
            "pool": {
                "min_size": 1,
                "max_size": env.integer("DATABASE_POOL", 8, least=1),
                "timeout": env.number("DATABASE_POOL_SECONDS", 10.0),
                "reconnect_timeout": 10.0,
                **(
                    {"connection_class": FreshConnection}
                    if "DATABASE_PASSWORD" in PASSWORDS_IN_FILES
                    else {}
                ),
            },
        },
    }
}
REDIS_SCHEMES = ("redis", "rediss")
REDIS_URL = env.url("REDIS_URL", "redis://127.0.0.1:6379/0", REDIS_SCHEMES)
BROKER_URL = env.url("BROKER_URL", REDIS_URL, REDIS_SCHEMES, env.text("BROKER_PASSWORD", ""))
CACHE_URL = env.url("CACHE_URL", REDIS_URL, REDIS_SCHEMES, env.text("CACHE_PASSWORD", ""))
cache_account = (
    {"credential_provider": Account("CACHE_PASSWORD", CACHE_URL)}
    if "CACHE_PASSWORD" in PASSWORDS_IN_FILES
    else {}
)
CACHES = {
    "default": {
        "BACKEND": "pmscoring.metrics.CountedRedisCache",
        "LOCATION": without_account(CACHE_URL) if cache_account else CACHE_URL,
        "KEY_PREFIX": "pmscoring",
        "OPTIONS": {"socket_timeout": 1.0, "socket_connect_timeout": 1.0, **cache_account},
    }
}
INFERENCE_URL = env.url("INFERENCE_URL", "http://127.0.0.1:9000", ("http", "https"))
INFERENCE_TOKEN = env.text("INFERENCE_TOKEN", None if PRODUCTION else "")
INFERENCE_TIMEOUT = env.number("INFERENCE_TIMEOUT", 120.0)
SCORING_BATCH = env.integer("SCORING_BATCH", 1024, least=1)
SCORING_STALLED_SECONDS = env.integer("SCORING_STALLED_SECONDS", 300, least=1)

CELERY_BROKER_URL = BROKER_URL
if "BROKER_PASSWORD" in PASSWORDS_IN_FILES:
    CELERY_BROKER_URL += "?credential_provider=pmscoring.base.connecting.BrokerAccount"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "scoring.tasks.score_waiting": {"queue": "scoring"},
    "opsconsole.tasks.*": {"queue": "ops"},
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.integer("CELERY_CONCURRENCY", 2, least=1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "pmscoring.beat:HeldScheduler"
# A sender does not wait for a broker that is away: the row waits, and the sweep finds it.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    "socket_connect_timeout": 2.0,
    "socket_timeout": 3.0,
}
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "scoring.tasks.sweep", "schedule": 10.0},
    "publish-load": {
        "task": "scoring.tasks.publish_load",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    # By the operations worker too: all others may be in the middle of long batches, and just when
    # there is a queue its length matters. Without that worker nobody scales.
    "ops-publish-load": {
        "task": "scoring.tasks.publish_load",
        "schedule": 5.0,
        "options": {"queue": "ops", "expires": 5.0},
    },
    # Hourly, so that a day begins with it in any zone, and a missed turn is soon made up for.
    "delete-due-answers": {"task": "scoring.tasks.delete_due_answers", "schedule": 3600.0},
    "forget-old-keys": {"task": "scoring.tasks.forget_old_keys", "schedule": 86400.0},
    # Late is useless: the next one looks at the same rows.
    "ops-sweep": {
        "task": "opsconsole.tasks.sweep",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "ops-look": {
        "task": "opsconsole.tasks.look_at_environments",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "ops-deployments": {
        "task": "opsconsole.tasks.sweep_deployments",
        "schedule": 10.0,
        "options": {"expires": 10.0},
    },
    "ops-recover": {
        "task": "opsconsole.tasks.recover_restores",
        "schedule": 30.0,
        "options": {"expires": 30.0},
    },
    "ops-heal": {
        "task": "opsconsole.tasks.heal",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
    "ops-autoscale": {
        "task": "opsconsole.tasks.autoscale",
        "schedule": 15.0,
        "options": {"expires": 15.0},
    },
}
# Hourly, though a drill is wanted weekly and a prune daily: beat counts anew from each start, and
# would never come to it on a machine that is off at night.
for task in ("drill_backup", "prune_backups", "keep_samples"):
    CELERY_BEAT_SCHEDULE[task.replace("_", "-")] = {
        "task": f"opsconsole.tasks.{task}",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    }
for queue in ("default", "scoring", "ops"):
    CELERY_BEAT_SCHEDULE[f"heartbeat-{queue}"] = {
        "task": "opsconsole.tasks.heartbeat",
        "schedule": 30.0,
        "args": (queue,),
        "options": {"queue": queue, "expires": 30.0},
    }
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", _("Japanese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = env.zone("TIME_ZONE", "Asia/Tokyo")
INTERNAL_NETWORKS = env.networks("INTERNAL_IPS", "127.0.0.1,::1")
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # An image collects them as root, and the web server that serves them is another user: they must
    # not have the mode of uploads.
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
        "OPTIONS": {"file_permissions_mode": 0o644, "directory_permissions_mode": 0o755},
    },
}
MEDIA_ROOT = Path(env.text("UPLOADS_DIR", str(VAR_DIR / "uploads")))
BACKUP_DIR = Path(env.text("BACKUP_DIR", str(VAR_DIR / "backups")))
BACKUP_JOBS = env.integer("BACKUP_JOBS", 2, least=1)
BACKUP_STALLED_SECONDS = env.integer("BACKUP_STALLED_SECONDS", 300, least=1)
DEPLOY_LEASE_SECONDS = env.integer("DEPLOY_LEASE_SECONDS", 60, least=50)
SOAK_SECONDS = env.integer("SOAK_SECONDS", 60, least=1)
RELEASES_KEPT = env.integer("RELEASES_KEPT", 5, least=2)
STORES_DIR = Path(env.text("STORES_DIR", str(VAR_DIR / "stores")))
DOCKER_CONFIG = env.text("DOCKER_CONFIG", "")
CHANNELS_DIR = Path(env.text("CHANNELS_DIR", str(VAR_DIR / "channels")))
PUBLISHED_DIR = Path(name) if (name := env.text("PUBLISHED_DIR", "")) else None
# The folder with `compose/`; set in containers alone.
INSTALL_DIR = env.text("INSTALL_DIR", "")
# What runs this installation, and the variables that its Compose files were filled in with.
ENGINE = env.choice("ENGINE", "", ("", "embedded", "compose", "swarm"))
SITE = env.text("SITE", "")
BUNDLES_DIR = Path(env.text("BUNDLES_DIR", f"{INSTALL_DIR or VAR_DIR}/bundles"))
# What tells of the load: HAProxy's port for statistics, and a Prometheus.
HAPROXY_URL = env.text("HAPROXY_URL", "")
PROMETHEUS_URL = env.text("PROMETHEUS_URL", "")
# The folder of pg_dump and pg_restore; empty: they are on the PATH.
POSTGRES_BIN = env.text("POSTGRES_BIN", "")
# What ends TLS redirects to it and sends Strict-Transport-Security: docker/nginx/nginx.conf.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
FILE_UPLOAD_PERMISSIONS = 0o600
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "/admin/"
CSRF_FAILURE_VIEW = "pmscoring.error_pages.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
NUM_PROXIES = env.integer("NUM_PROXIES", 0, least=0)
# Without a proxy of ours in front it is the caller who writes the header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if NUM_PROXIES else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("COOKIE_SECURE", PRODUCTION)
NOTHING = {"default-src": ["'none'"], "base-uri": ["'none'"], "frame-ancestors": ["'none'"]}
OWN = {
    **NOTHING,
    "script-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
}
CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**NOTHING, "form-action": ["'none'"]}}
CONTENT_SECURITY_POLICIES = {
    "/admin/": {**OWN, "script-src": ["'self'", "'unsafe-eval'"]},  # the theme's Alpine
    "/admin/marking/desk/": {**OWN, "style-src": ["'self'"]},  # no page of the theme
    "/api/docs/": OWN,
}
DISK_RESERVE_BYTES = env.integer("DISK_RESERVE_BYTES", 256 * 1024 * 1024, least=0)
MAX_UPLOAD_BYTES = env.integer("MAX_UPLOAD_BYTES", 200 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = FORM_BYTES

RATE = (r"[1-9][0-9]*/(s|sec|m|min|h|hour|d|day)", "a rate such as 600/min")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "scoring.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["pmscoring.base.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "pmscoring.base.throttling.CallerThrottle",
        "pmscoring.base.throttling.ScopeThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": env.matching("THROTTLE_RATE", "6000/min", *RATE),
        "score": env.matching("THROTTLE_RATE_SCORE", "600/min", *RATE),
        "tokens": env.matching("THROTTLE_RATE_TOKENS", "60/min", *RATE),
        "ops": env.matching("THROTTLE_RATE_OPS", "60/min", *RATE),
        "refused": env.matching("THROTTLE_RATE_REFUSED", "60/min", *RATE),
        "sign_in": env.matching("THROTTLE_RATE_SIGN_IN", "10/h", *RATE),
    },
    "NUM_PROXIES": NUM_PROXIES,
    "EXCEPTION_HANDLER": "pmscoring.base.api.problems.problem_response",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PM Scoring",
    "DESCRIPTION": _(
        "This description is open to everyone: it is the same for every installation, is part of"
        " the published source, and has nothing of what is stored here. Every call but this page"
        " and the health checks wants a token or a session."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["pmscoring.base.api.schema.finish"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "TAGS": [
        {"name": "exams", "description": "Definitions and results"},
        {"name": "submissions", "description": "Handing in, and how far the scoring is"},
        {"name": "uploads", "description": "Files of answers and marks"},
        {"name": "withdrawals", "description": "Answers taken back, and the way back"},
        {"name": "marking", "description": "Answers, marks, and scoring at once"},
        {"name": "review", "description": "Marking by people: queue, groups, disputes, references"},
        {"name": "calibration", "description": "Fitting the machine to marks by people"},
        {"name": "tokens", "description": "Who may call"},
        {"name": "operations", "description": "Environments, deployments, backups, events"},
    ],
}
UNFOLD = {
    "SITE_TITLE": "PM Scoring",
    "SITE_HEADER": "PM Scoring",
    "SITE_SYMBOL": "rate_review",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("pmscoring/favicon.svg"),
        }
    ],
    "STYLES": [lambda request: static("pmscoring/admin.css")],
    "SCRIPTS": [
        lambda request: static("pmscoring/live.js"),
        lambda request: static("pmscoring/times.js"),
    ],
    "DASHBOARD_CALLBACK": "pmscoring.base.admin.overview.show",
    "SIDEBAR": {"navigation": "pmscoring.base.admin.navigation.sidebar"},
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.604)",
            "100": "oklch(93.2% .032 255.585)",
            "200": "oklch(88.2% .059 254.128)",
            "300": "oklch(80.9% .105 251.813)",
            "400": "oklch(70.7% .165 254.624)",
            "500": "oklch(62.3% .214 259.815)",
            "600": "oklch(48.8% .17 258.5)",
            "700": "oklch(42.4% .155 259)",
            "800": "oklch(37% .13 259)",
            "900": "oklch(32% .11 259)",
            "950": "oklch(26% .09 259)",
        }
    },
}

LOGGING = logging_config(env.choice("LOG_LEVEL", "INFO", LEVELS))
