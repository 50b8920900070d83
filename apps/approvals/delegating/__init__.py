"""One person reviews for another, for a while: who may speak for whom, giving and revoking, pages and API."""
