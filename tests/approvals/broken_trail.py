"""A trail that takes nothing, as with a full disk: to see that a write falls with its event."""

from django.db import connection


class broken_trail:  # noqa: N801 - reads as a sentence
    """A trail whose table takes no row, by a trigger in the database."""

    def __enter__(self) -> None:
        refuse = {
            "sqlite": ["CREATE TRIGGER full BEFORE INSERT ON audit_auditevent BEGIN SELECT RAISE(ABORT, 'full'); END"],
            "postgresql": [
                "CREATE FUNCTION full_up() RETURNS trigger AS $$ BEGIN RAISE 'full'; END $$ LANGUAGE plpgsql",
                "CREATE TRIGGER full_up BEFORE INSERT ON audit_auditevent FOR EACH ROW EXECUTE FUNCTION full_up()",
            ],
        }
        self._run(refuse[connection.vendor])

    def __exit__(self, *error) -> None:
        undo = {"sqlite": ["DROP TRIGGER full"], "postgresql": ["DROP FUNCTION full_up() CASCADE"]}
        self._run(undo[connection.vendor])

    def _run(self, statements: list[str]) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
