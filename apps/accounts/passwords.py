"""Whether a password lets somebody in: it can be switched off, where people come by single sign-on."""

from django.conf import settings


def password_counts(username: str) -> bool:
    """Return whether this person may sign in and sign by password: all, or the one who is named for emergencies."""
    return settings.PASSWORD_SIGN_IN or bool(settings.BREAK_GLASS and username == settings.BREAK_GLASS)


def anybody_by_password() -> bool:
    """Return whether there is a form for passwords at all."""
    return settings.PASSWORD_SIGN_IN or bool(settings.BREAK_GLASS)
