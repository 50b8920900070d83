"""Second factors: a code from an app, a passkey, or a recovery code. allauth keeps them; rules are ours."""
