"""What each request passes through, the outermost first; nothing here depends on the environment."""

MIDDLEWARE = [
    "config.limits.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.doors.GatewayMiddleware",  # MLflow's clients know no sessions, forms or pages: nothing below concerns them
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.IsolationMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.limits.BodySizeMiddleware",  # before the check of the form's token, which parses the whole body
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.OriginMiddleware",
    "config.access.AccessMiddleware",
    "config.limits.RateMiddleware",
    "config.middleware.DomainErrorMiddleware",
]
