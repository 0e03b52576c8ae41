/** Says that a database is Bowline's: "BOWL". */
export const applicationId = 0x42_4f_57_4c;
/** The version of {@link schema}. */
export const schemaVersion = 4;

/**
 * What makes a file of an older version one of the next, by the older one. The sessions of version 1 had ids that their
 * clients drew: no client can open one any more.
 */
export const upgrades: Readonly<Record<number, string>> = {
  1: `
    DELETE FROM sessions;
    DELETE FROM publishes;
    DELETE FROM answers;
    ALTER TABLE sessions DROP COLUMN secret;
  `,
  // What a room's entries have, in UTF-8.
  2: `
    ALTER TABLE rooms ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    UPDATE rooms SET bytes =
      (SELECT coalesce(sum(length(CAST(data AS BLOB))), 0) FROM entries WHERE room = rooms.id);
  `,
  // A log has an epoch, a session has ledgers.
  3: `ALTER TABLE sessions RENAME COLUMN epoch TO ledger`,
};

/**
 * The tables. A session's row holds what its ledgers amount to, so that a new ref, which nearly every one is, is known
 * for one without a look at them.
 */
export const schema = `
  CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    base INTEGER NOT NULL,
    head INTEGER NOT NULL,
    age_ms INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE entries (
    room INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (room, offset)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    ledger TEXT NOT NULL,
    generation INTEGER NOT NULL,
    renewed_ms INTEGER NOT NULL,
    ref INTEGER NOT NULL DEFAULT 0,
    published INTEGER NOT NULL DEFAULT 0,
    published_ref INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    answers_length INTEGER NOT NULL DEFAULT 0,
    forgotten_ref INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_renewal ON sessions (renewed_ms);
  CREATE TABLE publishes (
    session TEXT NOT NULL,
    slot INTEGER NOT NULL,
    ref INTEGER NOT NULL,
    room TEXT NOT NULL,
    epoch TEXT NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (session, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE answers (
    session TEXT NOT NULL,
    ref INTEGER NOT NULL,
    place INTEGER NOT NULL DEFAULT 0,
    length INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session, ref)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX answers_by_place ON answers (session, place);
`;
