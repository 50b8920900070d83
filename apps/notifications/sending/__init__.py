"""What leaves the house: webhooks and e-mail. Each may fail, and is tried again."""
