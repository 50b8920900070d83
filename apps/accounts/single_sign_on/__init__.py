"""Single sign-on by OpenID Connect: allauth asks the provider, the token is checked here."""
