"""The system tables of the first release.

Here: every table, index and trigger as it was then, so that this revision never changes. A later column is a revision of its own.
Not here: how a table looks today (the layer that owns it declares it). `tests/db/test_migrations.py` keeps both equal.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from fieldstone.db.column_types import Flag, Id, JsonText, PlainText, UtcMoment

revision = "0001"
down_revision = None

# SQLite finds words by FTS5 beside the table, PostgreSQL by an index on it.
SEARCH_ON = {
    False: (
        "CREATE VIRTUAL TABLE fs_search_text USING fts5"
        "(tokens, content='fs_search', content_rowid='row', detail='full', tokenize=\"unicode61 remove_diacritics 0\")",
        "CREATE TRIGGER fs_search_in AFTER INSERT ON fs_search BEGIN"
        " INSERT INTO fs_search_text(rowid, tokens) VALUES (new.row, new.tokens); END",
        "CREATE TRIGGER fs_search_out AFTER DELETE ON fs_search BEGIN"
        " INSERT INTO fs_search_text(fs_search_text, rowid, tokens) VALUES ('delete', old.row, old.tokens); END",
    ),
    True: ("CREATE INDEX ix_fs_search_tokens ON fs_search USING gin (tokens)",),
}
# A verdict is final, events are append-only, whoever is connected.
PROMISES_ON = {
    False: (
        "CREATE TRIGGER fs_approval_instance_verdict BEFORE UPDATE ON fs_approval_instance "
        "WHEN OLD.verdict IS NOT NULL AND NEW.verdict IS NOT OLD.verdict BEGIN SELECT RAISE(ABORT, 'a verdict is final'); END",
        "CREATE TRIGGER fs_approval_event_no_update BEFORE UPDATE ON fs_approval_event BEGIN SELECT RAISE(ABORT, 'append-only'); END",
        "CREATE TRIGGER fs_approval_event_no_delete BEFORE DELETE ON fs_approval_event BEGIN SELECT RAISE(ABORT, 'append-only'); END",
    ),
    True: (
        "CREATE FUNCTION fs_verdict_is_final() RETURNS trigger LANGUAGE plpgsql AS "
        "$body$ BEGIN RAISE EXCEPTION 'a verdict is final'; END $body$",
        "CREATE TRIGGER fs_approval_instance_verdict BEFORE UPDATE ON fs_approval_instance FOR EACH ROW "
        "WHEN (OLD.verdict IS NOT NULL AND NEW.verdict IS DISTINCT FROM OLD.verdict) EXECUTE FUNCTION fs_verdict_is_final()",
        "CREATE FUNCTION fs_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN RAISE EXCEPTION 'append-only'; END $body$",
        "CREATE TRIGGER fs_approval_event_no_update BEFORE UPDATE ON fs_approval_event FOR EACH ROW EXECUTE FUNCTION fs_append_only()",
        "CREATE TRIGGER fs_approval_event_no_delete BEFORE DELETE ON fs_approval_event FOR EACH ROW EXECUTE FUNCTION fs_append_only()",
    ),
}


def upgrade() -> None:
    """Make the tables, those that others refer to first, then what the database promises by itself."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    _metadata()
    _people()
    _records()
    _messages()
    _approvals()
    _jobs()
    _surfaces()
    for statement in (*SEARCH_ON[postgresql], *PROMISES_ON[postgresql]):
        op.execute(statement)


def _metadata() -> None:
    """Definitions, their columns, plans and packs."""
    op.create_table(
        "fs_version",
        Column("org", Integer(), autoincrement=False, nullable=False),
        Column("number", Integer(), nullable=False),
        Column("permission_epoch", Integer(), nullable=False),
        Column("language", PlainText(), nullable=False),
        Column("zone", PlainText(), nullable=False),
        Column("name", PlainText(), nullable=False),
        Column("changed_at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("org", name="pk_fs_version"),
    )
    op.create_table(
        "fs_definition",
        Column("id", Id(), nullable=False),
        Column("kind", PlainText(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("name", PlainText(), nullable=False),
        Column("path", PlainText(), nullable=False),
        Column("owner", PlainText(), nullable=False),
        Column("text", PlainText()),
        Column("base", PlainText()),
        Column("hash", PlainText()),
        Column("physical", PlainText()),
        Column("columns", JsonText()),
        Column("state", PlainText(), nullable=False),
        Column("born", Integer(), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("archived_at", UtcMoment()),
        PrimaryKeyConstraint("id", name="pk_fs_definition"),
    )
    op.create_index("ix_fs_definition_key", "fs_definition", ["kind", "object", "name"])
    op.create_index("ix_fs_definition_path", "fs_definition", ["path"])
    op.create_index("ix_fs_definition_version", "fs_definition", ["version"])
    op.create_table(
        "fs_column",
        Column("table_name", PlainText(), nullable=False),
        Column("name", PlainText(), nullable=False),
        Column("definition", Id(), nullable=False),
        Column("field", PlainText(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("plan", Id()),
        Column("columns", JsonText(), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("archived_at", UtcMoment()),
        PrimaryKeyConstraint("table_name", "name", name="pk_fs_column"),
    )
    op.create_index("ix_fs_column_definition", "fs_column", ["definition"])
    op.create_index("ix_fs_column_plan", "fs_column", ["plan"])
    op.create_index("ix_fs_column_version", "fs_column", ["version"])
    op.create_table(
        "fs_publish",
        Column("version", Integer(), autoincrement=False, nullable=False),
        Column("kind", PlainText(), nullable=False),
        Column("plan", Id()),
        Column("author", Id()),
        Column("acting_for", Id()),
        Column("at", UtcMoment(), nullable=False),
        Column("reason", PlainText(), nullable=False),
        Column("pack", PlainText()),
        Column("undoes", Integer()),
        Column("changes", JsonText(), nullable=False),
        Column("steps", JsonText(), nullable=False),
        PrimaryKeyConstraint("version", name="pk_fs_publish"),
    )
    op.create_index("ix_fs_publish_plan", "fs_publish", ["plan"])
    op.create_table(
        "fs_revision",
        Column("version", Integer(), autoincrement=False, nullable=False),
        Column("path", PlainText(), nullable=False),
        Column("definition", Id(), nullable=False),
        Column("kind", PlainText(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("name", PlainText(), nullable=False),
        Column("text", PlainText()),
        Column("hash", PlainText()),
        Column("author", Id()),
        Column("at", UtcMoment(), nullable=False),
        Column("reason", PlainText(), nullable=False),
        PrimaryKeyConstraint("version", "path", name="pk_fs_revision"),
    )
    op.create_index("ix_fs_revision_definition", "fs_revision", ["definition"])
    op.create_index("ix_fs_revision_path", "fs_revision", ["path", "version"])
    op.create_table(
        "fs_ownership",
        Column("definition", Id(), nullable=False),
        Column("leaf", PlainText(), nullable=False),
        Column("document", PlainText(), nullable=False),
        Column("owner", PlainText(), nullable=False),
        Column("pinned", Flag(), nullable=False),
        Column("by", Id()),
        Column("at", UtcMoment(), nullable=False),
        Column("reason", PlainText(), nullable=False),
        Column("publish", Integer(), nullable=False),
        PrimaryKeyConstraint("definition", "leaf", name="pk_fs_ownership"),
    )
    op.create_index("ix_fs_ownership_document", "fs_ownership", ["document"])
    op.create_table(
        "fs_pack",
        Column("name", PlainText(), nullable=False),
        Column("version", PlainText(), nullable=False),
        Column("manifest", PlainText(), nullable=False),
        Column("documents", JsonText(), nullable=False),
        Column("installed_at", UtcMoment(), nullable=False),
        Column("installed_by", Id()),
        Column("publish", Integer(), nullable=False),
        PrimaryKeyConstraint("name", name="pk_fs_pack"),
    )
    op.create_table(
        "fs_plan",
        Column("id", Id(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("base_version", Integer(), nullable=False),
        Column("author", Id()),
        Column("acting_for", Id()),
        Column("reason", PlainText(), nullable=False),
        Column("changes", JsonText(), nullable=False),
        Column("given", JsonText(), nullable=False),
        Column("paths", JsonText(), nullable=False),
        Column("objects", JsonText(), nullable=False),
        Column("fill", Integer(), nullable=False),
        Column("cursor", PlainText()),
        Column("done", Integer(), nullable=False),
        Column("total", Integer(), nullable=False),
        Column("problems", JsonText(), nullable=False),
        Column("created_at", UtcMoment(), nullable=False),
        Column("updated_at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_fs_plan"),
    )
    op.create_table(
        "fs_api_plan",
        Column("id", Id(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("changes", JsonText(), nullable=False),
        Column("confirms", JsonText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        Column("published", Integer()),
        PrimaryKeyConstraint("id", name="pk_fs_api_plan"),
    )
    op.create_index("ix_fs_api_plan_at", "fs_api_plan", ["at"])


def _people() -> None:
    """Rights that are data, and signing in."""
    op.create_table(
        "fs_permission_assignment",
        Column("user_id", Id(), nullable=False),
        Column("permission_set", PlainText(), nullable=False),
        PrimaryKeyConstraint("user_id", "permission_set", name="pk_fs_permission_assignment"),
    )
    op.create_table(
        "fs_queue_member",
        Column("queue_id", Id(), nullable=False),
        Column("user_id", Id(), nullable=False),
        PrimaryKeyConstraint("queue_id", "user_id", name="pk_fs_queue_member"),
    )
    op.create_index("ix_fs_queue_member_user_id", "fs_queue_member", ["user_id"])
    op.create_table(
        "fs_credential",
        Column("user_id", Id(), nullable=False),
        Column("password_hash", PlainText(), nullable=False),
        Column("changed_at", UtcMoment(), nullable=False),
        Column("one_time", Flag(), nullable=False),
        PrimaryKeyConstraint("user_id", name="pk_fs_credential"),
    )
    op.create_table(
        "fs_login_attempt",
        Column("key", PlainText(), nullable=False),
        Column("failures", Integer(), nullable=False),
        Column("last_at", UtcMoment(), nullable=False),
        Column("free_at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("key", name="pk_fs_login_attempt"),
    )
    op.create_index("ix_fs_login_attempt_last_at", "fs_login_attempt", ["last_at"])
    op.create_table(
        "fs_session",
        Column("id", Id(), nullable=False),
        Column("key_hash", PlainText(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("begun_at", UtcMoment(), nullable=False),
        Column("seen_at", UtcMoment(), nullable=False),
        Column("address", PlainText()),
        Column("agent", PlainText()),
        PrimaryKeyConstraint("id", name="pk_fs_session"),
        UniqueConstraint("key_hash", name="uq_fs_session_key_hash"),
    )
    op.create_index("ix_fs_session_user_id", "fs_session", ["user_id"])
    op.create_table(
        "fs_token",
        Column("id", Id(), nullable=False),
        Column("key_hash", PlainText(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("name", PlainText(), nullable=False),
        Column("scopes", JsonText(), nullable=False),
        Column("created_at", UtcMoment(), nullable=False),
        Column("created_by", Id(), nullable=False),
        Column("expires_at", UtcMoment(), nullable=False),
        Column("used_at", UtcMoment()),
        Column("revoked_at", UtcMoment()),
        PrimaryKeyConstraint("id", name="pk_fs_token"),
        UniqueConstraint("key_hash", name="uq_fs_token_key_hash"),
    )
    op.create_index("ix_fs_token_user_id", "fs_token", ["user_id"])


def _records() -> None:
    """What stands beside the records of objects."""
    op.create_table(
        "fs_history",
        Column("id", Id(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("record", Id(), nullable=False),
        Column("row_version", Integer(), nullable=False),
        Column("field", PlainText(), nullable=False),
        Column("old", JsonText()),
        Column("new", JsonText()),
        Column("by", Id()),
        Column("by_name", PlainText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        Column("channel", PlainText(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_fs_history"),
    )
    op.create_index("ix_fs_history_record", "fs_history", ["record", "id"])
    op.create_table(
        "fs_audit",
        Column("id", Id(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        Column("actor", PlainText(), nullable=False),
        Column("actor_name", PlainText(), nullable=False),
        Column("action", PlainText(), nullable=False),
        Column("object", PlainText()),
        Column("record", Id()),
        Column("details", JsonText(), nullable=False),
        Column("request", PlainText()),
        PrimaryKeyConstraint("id", name="pk_fs_audit"),
    )
    op.create_index("ix_fs_audit_at", "fs_audit", ["at"])
    op.create_table(
        "fs_deleted",
        Column("record", Id(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("together", Id(), nullable=False),
        Column("chosen", Flag(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        Column("by", Id()),
        PrimaryKeyConstraint("record", name="pk_fs_deleted"),
    )
    op.create_index("ix_fs_deleted_at", "fs_deleted", ["at"])
    op.create_index("ix_fs_deleted_together", "fs_deleted", ["together"])
    op.create_table(
        "fs_cleared",
        Column("together", Id(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("record", Id(), nullable=False),
        Column("field", PlainText(), nullable=False),
        Column("target", Id(), nullable=False),
        PrimaryKeyConstraint("together", "record", "field", name="pk_fs_cleared"),
    )
    op.create_index("ix_fs_cleared_target", "fs_cleared", ["target"])
    op.create_table(
        "fs_counter",
        Column("field", PlainText(), nullable=False),
        Column("period", PlainText(), nullable=False),
        Column("value", Integer(), nullable=False),
        PrimaryKeyConstraint("field", "period", name="pk_fs_counter"),
    )
    op.create_table(
        "fs_indexed",
        Column("object", Id(), nullable=False),
        Column("fields", PlainText(), nullable=False),
        PrimaryKeyConstraint("object", name="pk_fs_indexed"),
    )
    op.create_table(
        "fs_search",
        Column("row", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
        Column("record", Id(), nullable=False),
        Column("field", PlainText(), nullable=False),
        Column("tokens", PlainText().with_variant(TSVECTOR, "postgresql"), nullable=False),
        PrimaryKeyConstraint("row", name="pk_fs_search"),
    )
    op.create_index("ix_fs_search_record", "fs_search", ["record"])


def _messages() -> None:
    """Mails, notifications and the outbox."""
    op.create_table(
        "fs_mail",
        Column("id", Id(), nullable=False),
        Column("message_id", PlainText(), nullable=False),
        Column("sender", PlainText(), nullable=False),
        Column("recipients", JsonText(), nullable=False),
        Column("subject", PlainText(), nullable=False),
        Column("text", PlainText(), nullable=False),
        Column("html", PlainText()),
        Column("language", PlainText(), nullable=False),
        Column("about", PlainText()),
        Column("written_at", UtcMoment(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("sent_at", UtcMoment()),
        PrimaryKeyConstraint("id", name="pk_fs_mail"),
        UniqueConstraint("message_id", name="uq_fs_mail_message_id"),
    )
    op.create_index("ix_fs_mail_written_at", "fs_mail", ["written_at"])
    op.create_table(
        "fs_notification",
        Column("id", Id(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("kind", PlainText(), nullable=False),
        Column("params", JsonText(), nullable=False),
        Column("object", PlainText()),
        Column("record_id", Id()),
        Column("link", PlainText()),
        Column("at", UtcMoment(), nullable=False),
        Column("read_at", UtcMoment()),
        PrimaryKeyConstraint("id", name="pk_fs_notification"),
    )
    op.create_index("ix_fs_notification_user_id", "fs_notification", ["user_id", "read_at", "id"])
    op.create_table(
        "fs_outbox",
        Column("id", Id(), nullable=False),
        Column("topic", PlainText(), nullable=False),
        Column("queue", PlainText(), nullable=False),
        Column("ordering_key", PlainText()),
        Column("key_seq", BigInteger()),
        Column("strict", Flag(), nullable=False),
        Column("dedupe_key", PlainText(), nullable=False),
        Column("payload", JsonText(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("deaths", Integer(), nullable=False),
        Column("created_at", UtcMoment(), nullable=False),
        Column("next_at", UtcMoment(), nullable=False),
        Column("offered_at", UtcMoment()),
        Column("lease_until", UtcMoment()),
        Column("lease_token", BigInteger(), nullable=False),
        Column("error", PlainText()),
        Column("ended_at", UtcMoment()),
        Column("ended_by", Id()),
        Column("reason", PlainText()),
        PrimaryKeyConstraint("id", name="pk_fs_outbox"),
        UniqueConstraint("dedupe_key", name="uq_fs_outbox_dedupe_key"),
    )
    op.create_index("ix_fs_outbox_key", "fs_outbox", ["ordering_key", "key_seq"], unique=True)
    op.create_index("ix_fs_outbox_open", "fs_outbox", ["state", "next_at"])
    op.create_table(
        "fs_consumed",
        Column("consumer", PlainText(), nullable=False),
        Column("dedupe_key", PlainText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("consumer", "dedupe_key", name="pk_fs_consumed"),
    )
    op.create_table(
        "fs_lease",
        Column("name", PlainText(), nullable=False),
        Column("holder", PlainText(), nullable=False),
        Column("token", BigInteger(), nullable=False),
        Column("until", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("name", name="pk_fs_lease"),
    )


def _approvals() -> None:
    """Approvals: what runs, who decides, what happened."""
    op.create_table(
        "fs_approval_version",
        Column("hash", PlainText(), nullable=False),
        Column("process", PlainText(), nullable=False),
        Column("text", PlainText(), nullable=False),
        Column("first_used", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("hash", name="pk_fs_approval_version"),
    )
    op.create_table(
        "fs_approval_instance",
        Column("id", Id(), nullable=False),
        Column("process", PlainText(), nullable=False),
        Column("process_hash", PlainText(), nullable=False),
        Column("exclusive_group", PlainText(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("record_id", Id(), nullable=False),
        Column("submitter", Id(), nullable=False),
        Column("submitted_at", UtcMoment(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("round", Integer(), nullable=False),
        Column("evidence_hash", PlainText()),
        Column("verdict", PlainText()),
        Column("ended_at", UtcMoment()),
        ForeignKeyConstraint(["process_hash"], ["fs_approval_version.hash"], name="fk_fs_approval_instance_process_hash"),
        PrimaryKeyConstraint("id", name="pk_fs_approval_instance"),
    )
    op.create_index("ix_fs_approval_instance_record", "fs_approval_instance", ["record_id", "submitted_at"])
    op.create_index("ix_fs_approval_instance_submitter", "fs_approval_instance", ["submitter", "submitted_at"])
    op.create_index(
        "uq_fs_approval_instance_live",
        "fs_approval_instance",
        ["record_id", "exclusive_group"],
        unique=True,
        sqlite_where=text("state IN ('returned', 'running', 'suspended')"),
        postgresql_where=text("state IN ('returned', 'running', 'suspended')"),
    )
    op.create_table(
        "fs_approval_visit",
        Column("id", Id(), nullable=False),
        Column("instance_id", Id(), nullable=False),
        Column("number", Integer(), nullable=False),
        Column("node", PlainText(), nullable=False),
        Column("round", Integer(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("entered_at", UtcMoment(), nullable=False),
        Column("closed_at", UtcMoment()),
        ForeignKeyConstraint(["instance_id"], ["fs_approval_instance.id"], name="fk_fs_approval_visit_instance_id"),
        PrimaryKeyConstraint("id", name="pk_fs_approval_visit"),
    )
    op.create_index("ix_fs_approval_visit_instance_id", "fs_approval_visit", ["instance_id", "number"], unique=True)
    op.create_table(
        "fs_approval_task",
        Column("id", Id(), nullable=False),
        Column("visit_id", Id(), nullable=False),
        Column("instance_id", Id(), nullable=False),
        Column("seat", Integer(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("user_id", Id()),
        Column("group_key", PlainText()),
        Column("hops", Integer(), nullable=False),
        Column("opened_at", UtcMoment(), nullable=False),
        Column("decided_by", Id()),
        Column("decided_at", UtcMoment()),
        Column("evidence_hash", PlainText()),
        Column("identity", PlainText(), nullable=False),
        ForeignKeyConstraint(["visit_id"], ["fs_approval_visit.id"], name="fk_fs_approval_task_visit_id"),
        ForeignKeyConstraint(["instance_id"], ["fs_approval_instance.id"], name="fk_fs_approval_task_instance_id"),
        PrimaryKeyConstraint("id", name="pk_fs_approval_task"),
    )
    op.create_index("ix_fs_approval_task_group_key", "fs_approval_task", ["group_key", "state"])
    op.create_index("ix_fs_approval_task_instance_id", "fs_approval_task", ["instance_id"])
    op.create_index("ix_fs_approval_task_user_id", "fs_approval_task", ["user_id", "state"])
    op.create_table(
        "fs_approval_evidence",
        Column("instance_id", Id(), nullable=False),
        Column("hash", PlainText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        Column("shown", JsonText(), nullable=False),
        ForeignKeyConstraint(["instance_id"], ["fs_approval_instance.id"], name="fk_fs_approval_evidence_instance_id"),
        PrimaryKeyConstraint("instance_id", "hash", name="pk_fs_approval_evidence"),
    )
    op.create_table(
        "fs_approval_event",
        Column("instance_id", Id(), nullable=False),
        Column("seq", Integer(), nullable=False),
        Column("kind", PlainText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        Column("actor", Id()),
        Column("acted_for", Id()),
        Column("identity", PlainText(), nullable=False),
        Column("channel", PlainText(), nullable=False),
        Column("round", Integer(), nullable=False),
        Column("node", PlainText()),
        Column("visit_id", Id()),
        Column("task_id", Id()),
        Column("evidence_hash", PlainText()),
        Column("version", PlainText(), nullable=False),
        Column("comment_hash", PlainText()),
        Column("data", JsonText(), nullable=False),
        Column("previous", PlainText(), nullable=False),
        Column("hash", PlainText(), nullable=False),
        PrimaryKeyConstraint("instance_id", "seq", name="pk_fs_approval_event"),
    )
    op.create_table(
        "fs_approval_comment",
        Column("instance_id", Id(), nullable=False),
        Column("seq", Integer(), nullable=False),
        Column("salt", PlainText(), nullable=False),
        Column("text", PlainText(), nullable=False),
        PrimaryKeyConstraint("instance_id", "seq", name="pk_fs_approval_comment"),
    )
    op.create_table(
        "fs_record_lock",
        Column("record_id", Id(), nullable=False),
        Column("instance_id", Id(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("process", PlainText(), nullable=False),
        Column("mode", PlainText(), nullable=False),
        Column("fields", JsonText(), nullable=False),
        Column("children", JsonText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("record_id", "instance_id", name="pk_fs_record_lock"),
    )
    op.create_index("ix_fs_record_lock_instance_id", "fs_record_lock", ["instance_id"])


def _jobs() -> None:
    """Imports and sample data."""
    op.create_table(
        "fs_job",
        Column("id", Id(), nullable=False),
        Column("kind", PlainText(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("state", PlainText(), nullable=False),
        Column("mapping", JsonText(), nullable=False),
        Column("reading", JsonText(), nullable=False),
        Column("file_name", PlainText(), nullable=False),
        Column("file_hash", PlainText(), nullable=False),
        Column("language", PlainText(), nullable=False),
        Column("by", Id(), nullable=False),
        Column("created_at", UtcMoment(), nullable=False),
        Column("started_at", UtcMoment()),
        Column("ended_at", UtcMoment()),
        Column("rows_total", Integer()),
        Column("rows_created", Integer(), nullable=False),
        Column("rows_updated", Integer(), nullable=False),
        Column("rows_unchanged", Integer(), nullable=False),
        Column("rows_skipped", Integer(), nullable=False),
        Column("rows_failed", Integer(), nullable=False),
        Column("stop", PlainText()),
        Column("problem", JsonText()),
        Column("checked", JsonText()),
        PrimaryKeyConstraint("id", name="pk_fs_job"),
    )
    op.create_index("ix_fs_job_by", "fs_job", ["by"])
    op.create_table(
        "fs_job_row",
        Column("job", Id(), nullable=False),
        Column("row", Integer(), nullable=False),
        Column("outcome", PlainText(), nullable=False),
        Column("record", Id()),
        Column("problems", JsonText()),
        PrimaryKeyConstraint("job", "row", name="pk_fs_job_row"),
    )
    op.create_table(
        "fs_sample_record",
        Column("pack", PlainText(), nullable=False),
        Column("key", PlainText(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("record", Id(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("pack", "key", name="pk_fs_sample_record"),
    )
    op.create_index("ix_fs_sample_record_record", "fs_sample_record", ["record"])


def _surfaces() -> None:
    """What pages and the API keep between two requests."""
    op.create_table(
        "fs_personal_view",
        Column("id", Id(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("object", PlainText(), nullable=False),
        Column("label", PlainText(), nullable=False),
        Column("view", JsonText(), nullable=False),
        Column("changed_at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_fs_personal_view"),
    )
    op.create_index("ix_fs_personal_view_user_id", "fs_personal_view", ["user_id"])
    op.create_table(
        "fs_typed_form",
        Column("id", Id(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("fields", JsonText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("id", name="pk_fs_typed_form"),
    )
    op.create_index("ix_fs_typed_form_at", "fs_typed_form", ["at"])
    op.create_table(
        "fs_sent_form",
        Column("number", Id(), nullable=False),
        Column("user_id", Id(), nullable=False),
        Column("record_id", Id()),
        Column("at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("number", name="pk_fs_sent_form"),
    )
    op.create_index("ix_fs_sent_form_at", "fs_sent_form", ["at"])
    op.create_table(
        "fs_idempotency",
        Column("principal", PlainText(), nullable=False),
        Column("key", PlainText(), nullable=False),
        Column("request", PlainText(), nullable=False),
        Column("attempt", PlainText(), nullable=False),
        Column("outcomes", JsonText(), nullable=False),
        Column("at", UtcMoment(), nullable=False),
        PrimaryKeyConstraint("principal", "key", name="pk_fs_idempotency"),
    )
    op.create_index("ix_fs_idempotency_at", "fs_idempotency", ["at"])
