"""Settings, from environment variables only. docs/operations.md lists every variable.

Two modes: `embedded` (default: one machine, SQLite, no broker, keys made in the data directory) and
`production` (refuses to start with anything unsafe, see config/safety.py).
"""

import os
import secrets
from pathlib import Path
from typing import Any

import environ
from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from config.safety import sign_in_refusals, unsafe_settings, without_credentials


class Given(environ.Env):
    """The environment, where an empty variable is one that is not set: as docker-compose.yml passes optional ones."""

    ENVIRON = {name: value for name, value in os.environ.items() if value.strip()}

    def bool(self, var: str, default: Any = environ.Env.NOTSET) -> Any:
        """Return a switch. Raises ImproperlyConfigured for a word that is neither: "required" must not mean off."""
        given = self.ENVIRON.get(var, "").strip().lower()
        if given and given not in (*self.BOOLEAN_TRUE_STRINGS, "false", "off", "no", "n", "0"):
            raise ImproperlyConfigured(f"{var} is {given!r}. Use 'true' or 'false'.")
        return super().bool(var, default)


env = Given()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- Mode and data directory ---
MODE = env.str("ASSENT_MODE", "embedded")
if MODE not in ("embedded", "production"):
    raise ImproperlyConfigured(f"ASSENT_MODE is {MODE!r}. Use 'embedded' or 'production'.")
PRODUCTION = MODE == "production"
DATA_DIR = Path(env.str("ASSENT_DATA_DIR", str(BASE_DIR / ".assent"))).expanduser().resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
PORT = env.int("PORT", 8000)


def _embedded_key() -> str:
    """Read the key of this data directory, making it on first use, so that no two installations share one."""
    path = DATA_DIR / "secret_key"
    try:
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass  # made by an earlier start
    return path.read_text().strip()


# --- Safety ---
DEBUG = env.bool("ASSENT_DEBUG", False)
SECRET_KEY = env.str("ASSENT_SECRET_KEY", "") or ("" if PRODUCTION else _embedded_key())
ENCRYPTION_KEYS = env.list("ASSENT_ENCRYPTION_KEYS", default=[])  # newest first; none: made from SECRET_KEY
ALLOWED_HOSTS = env.list("ASSENT_ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_FAILURE_VIEW = "config.error_pages.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.list("ASSENT_TRUSTED_ORIGINS", default=[])
if PRODUCTION:
    refusals = unsafe_settings(secret_key=SECRET_KEY, debug=DEBUG, allowed_hosts=ALLOWED_HOSTS)
    if refusals:
        raise ImproperlyConfigured("Assent will not start in production mode:\n  - " + "\n  - ".join(refusals))
SECURE_COOKIES = env.bool("ASSENT_SECURE_COOKIES", PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
if SECURE_COOKIES:  # browsers take such names only from this very host, over TLS: no neighbour can plant one
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # no script of ours reads either
SESSION_ENGINE = "apps.accounts.session_store"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = round(env.float("ASSENT_SESSION_HOURS", 12) * 3600)  # at most, however busy somebody is
SESSION_IDLE_SECONDS = round(env.float("ASSENT_SESSION_IDLE_MINUTES", 120) * 60)  # without a request
SESSION_SEEN_SECONDS = 60  # how often it is written that a session was seen, at most
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = env.int("ASSENT_HSTS_SECONDS", 31_536_000 if PRODUCTION else 0)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("ASSENT_BEHIND_PROXY", False) else None
X_FRAME_OPTIONS = "DENY"
# The proxy in front ends TLS and redirects to it; subdomains and preload lists are for the domain's owner to decide.
SILENCED_SYSTEM_CHECKS = ["guardian.W001", "security.W005", "security.W008", "security.W021"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY = (  # what no page of ours uses, and no script that got in may; copying stays allowed
    "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), clipboard-read=(), display-capture=(), "
    "encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), "
    "payment=(), picture-in-picture=(), screen-wake-lock=(), usb=(), web-share=(), xr-spatial-tracking=()"
)

# --- Application ---
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",  # the base of the next two; none of its pages is reachable
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "drf_spectacular",
    "guardian",
    "rest_framework",
    "template_partials",
    "apps.audit",
    "apps.jobs",
    "apps.accounts",
    "apps.notifications",
    "apps.registry",
    "apps.modelcards",
    "apps.approvals",
    "apps.compliance",
    "apps.gateway",
    "apps.demo",
]
from config.application import MIDDLEWARE  # noqa: E402, F401 - no environment in it

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.shell",
            ],
            "libraries": {"ui": "config.ui"},
        },
    }
]

# --- Database: SQLite in the data directory by default, PostgreSQL in production ---
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'assent.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # WAL and IMMEDIATE make concurrent writers wait instead of failing with "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["ENGINE"] = "config.postgresql"
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if env.bool("ASSENT_PREPARED_STATEMENTS", True):  # false: behind a pooler that gives each transaction a connection
        DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ---
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.backends.PersonBackend"]  # guardian's own would count what has ended
ANONYMOUS_USER_NAME = None  # guardian: nobody who is not signed in holds a permission
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Second factors and single sign-on: allauth keeps and checks them, the pages and services are our own (ADR 0031).
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "apps.accounts.factors.adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Assent"
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds that a clock may be off
MFA_RECOVERY_CODE_DIGITS = 10
SECOND_FACTOR = env.str("ASSENT_SECOND_FACTOR", "optional")  # optional, duties (admins and whoever signs), everybody
SIGN_WITH_FACTOR = env.bool(
    "ASSENT_SIGN_WITH_FACTOR", False
)  # true: where a policy asks again, a password is not enough
PASSWORD_SIGN_IN = env.bool("ASSENT_PASSWORD_SIGN_IN", True)  # false: only by single sign-on
BREAK_GLASS = env.str("ASSENT_BREAK_GLASS", "")  # the user name that may sign in by password all the same
INVITATION_HOURS = env.int("ASSENT_INVITATION_HOURS", 72)
OIDC_ISSUER = env.str("ASSENT_OIDC_ISSUER", "").rstrip("/")  # empty: no single sign-on
OIDC_CLIENT_ID = env.str("ASSENT_OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = env.str("ASSENT_OIDC_CLIENT_SECRET", "")
OIDC_NAME = env.str("ASSENT_OIDC_NAME", "single sign-on")
OIDC_SCOPES = env.list("ASSENT_OIDC_SCOPES", default=["openid", "profile", "email"])
OIDC_GROUPS_CLAIM = env.str("ASSENT_OIDC_GROUPS_CLAIM", "groups")
OIDC_GROUPS = env.json("ASSENT_OIDC_GROUPS", default={})  # claim value → group; other groups are never touched
OIDC_NEW_PEOPLE = env.bool("ASSENT_OIDC_NEW_PEOPLE", True)  # false: only who was connected before
OIDC_ANSWERS_FOR_FACTOR = env.bool("ASSENT_OIDC_ANSWERS_FOR_FACTOR", False)  # true: the provider asks for it
refusals = sign_in_refusals(
    production=PRODUCTION, second_factor=SECOND_FACTOR, password=PASSWORD_SIGN_IN, issuer=OIDC_ISSUER,
    client_id=OIDC_CLIENT_ID, groups=OIDC_GROUPS,
)  # fmt: skip
if refusals:
    raise ImproperlyConfigured("Assent will not start with these settings:\n  - " + "\n  - ".join(refusals))
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "registry:model-list"
LOGOUT_REDIRECT_URL = "accounts:sign-in"

# --- Audit: which models' events a person may read (a dotted path, so that audit imports no other app) ---
AUDIT_VISIBLE_MODEL_IDS = "apps.registry.queries.visible_model_ids"
MODEL_BY_REFERENCE = "apps.registry.queries.get_model"  # for trail, notifications, tokens
SCOPES_BY_ROUTE = "config.api_scopes.NEEDED"  # which scope of a token each address needs
AUDIT_HELD = "apps.compliance.holds.queries.hold_stands_on"  # what the access log keeps longer, likewise
AUDIT_ACTOR = "apps.accounts.grants.actor"  # a person as the trail names people, likewise
CHECKPOINT_SECONDS = env.int("ASSENT_CHECKPOINT_SECONDS", 3600)  # how often the trail is signed; 0: only when asked
ACCESS_LOG_DAYS = env.int("ASSENT_ACCESS_LOG_DAYS", 365)  # how long denials and reads are kept; 0: for ever

# --- Notifications: pages always; e-mail when a mail server is named; webhooks where admins add them ---
PUBLIC_URL = env.str("ASSENT_PUBLIC_URL", "" if PRODUCTION else f"http://127.0.0.1:{PORT}").rstrip("/")
_mail = environ.Env.email_url_config(env.str("EMAIL_URL", "") or "dummymail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
MAIL_ENABLED = not EMAIL_BACKEND.endswith("dummy.EmailBackend")
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "localhost", _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER") or "", _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds of each step
DEFAULT_FROM_EMAIL = env.str("ASSENT_MAIL_FROM", "Assent <assent@localhost>")
WEBHOOK_ALLOWED_NETWORKS = env.list("ASSENT_WEBHOOK_ALLOWED_NETWORKS", default=[])  # besides public addresses: CIDR
WEBHOOK_HTTP_HOSTS = env.list("ASSENT_WEBHOOK_HTTP_HOSTS", default=[])  # that may be told without TLS
NOTIFICATIONS_SECONDS = env.int("NOTIFICATIONS_SECONDS", 5)  # how often the trail is read for what is to be told

# --- Governance ---
POLICY_SECOND_ADMIN = env.bool("ASSENT_POLICY_SECOND_ADMIN", True)  # false: a lone admin publishes their own drafts
CARD_SUMMARY = env.bool("ASSENT_CARD_SUMMARY", False)  # true: an approved card is summarised in MLflow

# --- MLflow ---
_demo_mlflow = DATA_DIR / "mlflow.url"
MLFLOW_BACKEND_URL = env.str(
    "MLFLOW_BACKEND_URL", _demo_mlflow.read_text().strip() if _demo_mlflow.exists() else "http://127.0.0.1:5000"
).rstrip("/")
# Where browsers reach MLflow's own pages: through Assent, unless somebody publishes them elsewhere.
MLFLOW_PUBLIC_URL = without_credentials(env.str("MLFLOW_PUBLIC_URL", "/mlflow")).rstrip("/")
MLFLOW_BACKEND_TOKEN = env.str("MLFLOW_BACKEND_TOKEN", "")
MLFLOW_BACKEND_USERNAME = env.str("MLFLOW_BACKEND_USERNAME", "")
MLFLOW_BACKEND_PASSWORD = env.str("MLFLOW_BACKEND_PASSWORD", "")
# Where MLflow reaches this Assent with its webhooks; empty: the address is typed when one is registered.
WEBHOOK_URL = env.str("ASSENT_WEBHOOK_URL", "" if PRODUCTION else f"http://127.0.0.1:{PORT}").rstrip("/")
MLFLOW_TIMEOUT_SECONDS = env.float("MLFLOW_TIMEOUT_SECONDS", 10.0)
INVENTORY_OWNER_TAGS = env.list("INVENTORY_OWNER_TAGS", default=["owner", "owner_team", "team"])
INVENTORY_RISK_TAGS = env.list("INVENTORY_RISK_TAGS", default=["risk_tier", "risk"])
INVENTORY_COUNTS_SECONDS = env.int("INVENTORY_COUNTS_SECONDS", 5)  # how long counts over everything serve; 0: never
COMPLIANCE_COUNTS_SECONDS = env.int("COMPLIANCE_COUNTS_SECONDS", 60)  # after which many models are counted anew
SYNC_INTERVAL_SECONDS = env.int("SYNC_INTERVAL_SECONDS", 30)
SYNC_COMPLETE_INTERVAL_SECONDS = env.int("SYNC_COMPLETE_INTERVAL_SECONDS", 3600)  # at most, between complete passes
SYNC_REQUESTS_PER_SECOND = env.float("SYNC_REQUESTS_PER_SECOND", 5.0)  # of each worker, in a complete pass; 0: no limit

# --- Jobs and Celery ---
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", 60)
JOB_SWEEP_SECONDS = env.int("JOB_SWEEP_SECONDS", 5)
RECERTIFY_GRACE_DAYS = env.int("RECERTIFY_GRACE_DAYS", 7)  # from the end of an approval to its lapse
GATE_MAX_MIRROR_AGE_SECONDS = env.int("GATE_MAX_MIRROR_AGE_SECONDS", 3600)  # older: the gate denies; 0: at no age
APPROVAL_TIMER_SECONDS = env.int("APPROVAL_TIMER_SECONDS", 15)  # how often expiry, reminders and waits are looked at
REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 600,
        "socket_connect_timeout": 3,
        "socket_timeout": 10,
        "max_retries": 0,  # a page never waits for a broker that is down: the sweep rings again
        "global_keyprefix": env.str("REDIS_KEY_PREFIX", "assent:"),
    }
else:
    _queue = DATA_DIR / "queue"
    for _folder in ("messages", "processed", "control"):
        (_queue / _folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT = "apps.jobs.folder:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "store_processed": True,
        "processed_folder": str(_queue / "processed"),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.1,
    }
    # Over this broker Celery's process pool shares one queue: a child that is killed may take the queue's lock along,
    # and the worker then waits for ever.
    CELERY_WORKER_POOL = "threads"
# A worker without -Q consumes both, in turns: what comes in heaps (parts of a pass, details) holds up nothing.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("celery", "bulk")]
CELERY_TASK_IGNORE_RESULT = True  # the Job row is the record
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # the sweeper sends what could not be sent
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep jobs": {"task": "jobs.sweep", "schedule": schedule(JOB_SWEEP_SECONDS)},
    "prune sessions": {"task": "accounts.prune", "schedule": schedule(3600)},
    "lapse grants": {"task": "accounts.lapse_grants", "schedule": schedule(60), "options": {"expires": 60}},
    "review access": {"task": "accounts.tend_access_reviews", "schedule": schedule(30), "options": {"expires": 60}},
    "prune jobs": {"task": "jobs.prune", "schedule": schedule(3600)},
    "tend approvals": {
        "task": "approvals.tend",
        "schedule": schedule(APPROVAL_TIMER_SECONDS),
        "options": {"expires": 60},
    },
    "prune deliveries": {"task": "registry.prune_deliveries", "schedule": schedule(3600)},
    "notify": {
        "task": "notifications.fan_out",
        "schedule": schedule(NOTIFICATIONS_SECONDS),
        "options": {"expires": 60},
    },
    "prune notifications": {"task": "notifications.prune", "schedule": schedule(3600)},
    "sync registry": {"task": "registry.request_sync", "schedule": schedule(SYNC_INTERVAL_SECONDS)},
    "prune accesses": {"task": "audit.prune_accesses", "schedule": schedule(3600)},
}
if CHECKPOINT_SECONDS:
    CELERY_BEAT_SCHEDULE["sign the trail"] = {
        "task": "audit.checkpoint",
        "schedule": schedule(CHECKPOINT_SECONDS),
        "options": {"expires": 60},
    }
_LOCAL_CACHE = {"BACKEND": "config.caches.CountingLocalCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
CACHES = {
    "default": (
        {
            "BACKEND": "config.caches.CountingRedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": env.str("REDIS_KEY_PREFIX", "assent:"),
            "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},  # seconds: no request waits for it for long
        }
        if REDIS_URL
        else _LOCAL_CACHE
    ),
    # Where experiments, runs and traces belong: it never changes, and each process may ask for itself.
    "gateway": _LOCAL_CACHE | {"LOCATION": "gateway"},
}

# --- Limits on requests, a minute; 0: none. Embedded, everything comes from one machine ---
RATES_PER_MINUTE = {
    "token": env.int("RATE_TOKEN_PER_MINUTE", 1_200 if PRODUCTION else 60_000),
    "address": env.int("RATE_ADDRESS_PER_MINUTE", 3_000 if PRODUCTION else 60_000),
    "sign-in": env.int("RATE_SIGN_IN_PER_MINUTE", 30 if PRODUCTION else 600),
    "gateway": env.int("RATE_GATEWAY_PER_MINUTE", 30_000),  # of a token: logging one model may take 1,500 calls
}
GATEWAY_TRANSFERS = max(env.int("GATEWAY_TRANSFERS", 6), 1)  # large files at once, in one process of the web server
PROXIES = env.int("ASSENT_PROXIES", 0)  # in front, each of which adds to X-Forwarded-For
if SECURE_PROXY_SSL_HEADER and not PROXIES:  # then all requests seem to come from the proxy
    RATES_PER_MINUTE |= {"address": 0, "sign-in": 0}

# --- API ---
from config.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: E402, F401 - no environment in them

# --- Language, time, static files, logs ---
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.str(
    "ASSENT_STATIC_ROOT", str(BASE_DIR / "staticfiles") if PRODUCTION else None
)  # else from the finders
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_ALLOW_ALL_ORIGINS = False  # our pages alone use our files
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000  # a card has lists of a thousand rows; this many take half a second to read
DATA_UPLOAD_MAX_NUMBER_FILES = 1  # no form has more; files are held in memory, also those of people not signed in
FILE_UPLOAD_HANDLERS = ["apps.registry.pages.uploads.BoundedMemoryUploadHandler"]  # no upload is ever written to a disk
from config.logs import logging_to_stderr  # noqa: E402 - no environment in it

LOGGING = logging_to_stderr(env.str("ASSENT_LOG_LEVEL", "INFO"))
