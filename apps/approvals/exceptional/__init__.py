"""Ways beside the ordinary: bypass, rollback, the review that both owe afterwards, and certifying anew."""
