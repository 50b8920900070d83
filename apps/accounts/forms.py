"""What people type."""

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts import sessions


class SignInForm(AuthenticationForm):
    """User name and password. After ten failures the answer is no for a while, without looking at the password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("User name and password do not match. Both are case-sensitive: try again."),
        "throttled": _("Too many failed sign-ins with this user name from here. Wait 15 minutes, then try again."),
    }
    throttled = False

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not username or not password or self.request is None:
            return self.cleaned_data
        if sessions.is_throttled(self.request, username):
            self.throttled = True
            raise ValidationError(self.error_messages["throttled"], code="throttled")
        try:
            return super().clean()
        except ValidationError:
            sessions.refuse_session(self.request, username)
            raise
