"""The portal's settings: what differs between installations comes from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext

from portal import environment
from portal.mysql import use_pymysql

use_pymysql()
django_stubs_ext.monkeypatch()  # forms and views take type arguments at run time too

_PORTAL = Path(__file__).resolve().parent

DEBUG = environment.flag("PORTAL_DEBUG", default=False)
SECRET_KEY = environment.secret("PORTAL_SECRET_KEY", "insecure-" * 8 if DEBUG else None)
ALLOWED_HOSTS = environment.words("PORTAL_ALLOWED_HOSTS")

INSTALLED_APPS = [
    "portal.accounts",
    "portal.tweets",
    "portal.dashboards",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.content_policy.content_security_policy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it answers for a login that is locked
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_PORTAL / "templates"],
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

# The source of the replication. The pages show what is read from MongoDB.
DATABASES: dict[str, Any] = {
    "default": {
        **environment.database("PORTAL_DATABASE_URL"),
        "CONN_HEALTH_CHECKS": True,
    }
}
DATABASES["default"]["OPTIONS"] = {
    "charset": "utf8mb4",
    "sql_mode": "STRICT_TRANS_TABLES",
    **DATABASES["default"].get("OPTIONS", {}),
}
if _password := environment.secret("PORTAL_DATABASE_PASSWORD", ""):
    DATABASES["default"]["PASSWORD"] = _password
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MONGODB_URI = environment.mongodb("PORTAL_MONGODB_URI", "mongodb://127.0.0.1:27017/")
MONGODB_DATABASE = environment.text("PORTAL_MONGODB_DATABASE", "twitter")
MONGODB_STATE_DATABASE = environment.text("PORTAL_MONGODB_STATE_DATABASE", "cdc")
CDC_STATUS_URL = environment.web_address("PORTAL_CDC_STATUS_URL", "http://127.0.0.1:9108/status")
CDC_NAME = environment.text("PORTAL_CDC_NAME", "twitter")
CDC_CONFIG = environment.text("PORTAL_CDC_CONFIG")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses a login that is locked
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_CHARACTERS = 10
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {
        "NAME": f"{_VALIDATION}.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_CHARACTERS},
    },
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())

# A name is locked for the address that guessed at it; its owner gets in from elsewhere.
AXES_FAILURE_LIMIT = environment.number("PORTAL_LOGIN_FAILURES", 5)
AXES_COOLOFF_TIME = timedelta(minutes=environment.number("PORTAL_LOGIN_LOCK_MINUTES", 15))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "portal.accounts.visitor.username"
AXES_CLIENT_IP_CALLABLE = "portal.accounts.visitor.address"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_CALLABLE = "portal.accounts.views.locked"
AXES_VERBOSE = False

# How often from one address, and for one mailbox.
REGISTRATIONS_PER_HOUR = environment.number("PORTAL_REGISTRATIONS_PER_HOUR", 10)
RESETS_PER_HOUR = environment.number("PORTAL_RESETS_PER_HOUR", 10)
RESET_MAILS_PER_HOUR = environment.number("PORTAL_RESET_MAILS_PER_HOUR", 3)

# Over plain HTTP (a demo on one machine) no cookie would come back otherwise.
_HTTPS = environment.flag("PORTAL_HTTPS", default=not DEBUG)
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
SECURE_SSL_REDIRECT = _HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_HSTS_PRELOAD = _HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "object-src": ["'none'"],
}
BEHIND_PROXY = environment.flag("PORTAL_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = environment.words("PORTAL_TRUSTED_ORIGINS")

# Django alone prints errors only if DEBUG is on. What visitors do wrong, 400 to 404, is no error; a
# host that is not allowed may be the operator's mistake.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "without_values": {
            "()": "portal.error_log.WithoutValues",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "without_values"},
    },
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO" if DEBUG else "ERROR"},
        "django.security": {"level": "CRITICAL"},
        "django.security.DisallowedHost": {"level": "ERROR"},
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = environment.text("PORTAL_STATIC_ROOT") or None
STATICFILES_DIRS = [_PORTAL / "static"]
# Without `collectstatic` the files are served from their source folders.
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
_STATIC = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": _STATIC
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

EMAIL_HOST = environment.text("PORTAL_EMAIL_HOST")
EMAIL_PORT = environment.number("PORTAL_EMAIL_PORT", 587)
EMAIL_HOST_USER = environment.text("PORTAL_EMAIL_USER")
EMAIL_HOST_PASSWORD = environment.secret("PORTAL_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("PORTAL_EMAIL_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text("PORTAL_EMAIL_FROM", "portal@localhost")
EMAIL_BACKEND = "django.core.mail.backends." + (
    "smtp.EmailBackend" if EMAIL_HOST else "console.EmailBackend"
)
