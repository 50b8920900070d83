"""Access reviews: campaigns in which each grant is confirmed or removed by who answers for it, or lapses (ADR 0033)."""
