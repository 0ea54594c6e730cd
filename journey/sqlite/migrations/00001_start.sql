-- +goose Up
-- A customer row is one leaf: one identity with its own history. root is the
-- person; events never move when people are joined or parted.
CREATE TABLE customers (
	id       TEXT PRIMARY KEY,
	root     TEXT NOT NULL,
	type     TEXT NOT NULL DEFAULT '',
	value    TEXT NOT NULL DEFAULT '',
	name     TEXT NOT NULL DEFAULT '',
	rank     INTEGER NOT NULL DEFAULT 0,
	lang     TEXT NOT NULL DEFAULT '',
	agent    TEXT NOT NULL DEFAULT '',
	since    INTEGER NOT NULL DEFAULT 0,
	events   INTEGER NOT NULL DEFAULT 0,
	channels TEXT NOT NULL DEFAULT '',
	texted   INTEGER NOT NULL DEFAULT 0,
	called   INTEGER NOT NULL DEFAULT 0,
	tied     INTEGER NOT NULL DEFAULT 0 -- 1 when evidence ever tied it to another
) WITHOUT ROWID;
CREATE INDEX customers_root ON customers (root);

CREATE TABLE identities (
	type        TEXT NOT NULL,
	value       TEXT NOT NULL,
	customer_id TEXT NOT NULL,
	PRIMARY KEY (type, value)
) WITHOUT ROWID;

CREATE TABLE evidence (
	a          TEXT NOT NULL,
	b          TEXT NOT NULL,
	source     TEXT NOT NULL,
	confidence REAL NOT NULL,
	at         INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (a, b, source)
) WITHOUT ROWID;
CREATE INDEX evidence_b ON evidence (b);

CREATE TABLE separations (
	a TEXT NOT NULL,
	b TEXT NOT NULL,
	PRIMARY KEY (a, b)
) WITHOUT ROWID;

CREATE TABLE events (
	customer_id TEXT NOT NULL,
	ts          INTEGER NOT NULL, -- microseconds
	id          TEXT NOT NULL,
	received    INTEGER NOT NULL,
	source      TEXT NOT NULL,
	source_id   TEXT NOT NULL,
	channel     TEXT NOT NULL,
	dir         TEXT NOT NULL,
	kind        TEXT NOT NULL,
	reason      TEXT NOT NULL,
	stage       TEXT NOT NULL,
	summary     TEXT NOT NULL,
	attrs       TEXT NOT NULL, -- JSON object, '' when empty
	content_ref TEXT NOT NULL,
	case_id     TEXT NOT NULL,
	contact     TEXT NOT NULL,
	in_reply_to TEXT NOT NULL,
	thread      TEXT NOT NULL,
	answered    INTEGER NOT NULL DEFAULT 0,
	answered_by TEXT NOT NULL DEFAULT '',
	owner       TEXT NOT NULL DEFAULT '',
	queue       TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (customer_id, ts, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX events_id ON events (id);
CREATE INDEX events_thread ON events (thread, ts) WHERE thread <> '';
CREATE INDEX events_waiting ON events (customer_id, ts) WHERE kind = 'message' AND dir = 'in' AND answered = 0;

CREATE TABLE contents (
	ref      TEXT PRIMARY KEY,
	event_id TEXT NOT NULL,
	type     TEXT NOT NULL,
	name     TEXT NOT NULL,
	data     BLOB NOT NULL
);

CREATE TABLE idem (
	source      TEXT NOT NULL,
	source_id   TEXT NOT NULL,
	event_id    TEXT NOT NULL,
	customer_id TEXT NOT NULL,
	PRIMARY KEY (source, source_id)
) WITHOUT ROWID;

CREATE TABLE outbox (
	seq         INTEGER PRIMARY KEY AUTOINCREMENT,
	event_id    TEXT NOT NULL
);

CREATE TABLE open_contacts (
	id          TEXT PRIMARY KEY,
	enqueued_at INTEGER NOT NULL,
	body        TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
	seq         INTEGER PRIMARY KEY,
	at          INTEGER NOT NULL,
	agent       TEXT NOT NULL,
	customer_id TEXT NOT NULL,
	contact     TEXT NOT NULL,
	tier        INTEGER NOT NULL,
	action      TEXT NOT NULL,
	detail      TEXT NOT NULL
);
CREATE INDEX audit_customer ON audit (customer_id, at);
CREATE INDEX audit_verified ON audit (contact, seq) WHERE action = 'verify';

CREATE TABLE once (
	key   TEXT PRIMARY KEY,
	until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX once_until ON once (until);

-- +goose Down
DROP TABLE once;
DROP TABLE audit;
DROP TABLE open_contacts;
DROP TABLE outbox;
DROP TABLE idem;
DROP TABLE contents;
DROP TABLE events;
DROP TABLE separations;
DROP TABLE evidence;
DROP TABLE identities;
DROP TABLE customers;
