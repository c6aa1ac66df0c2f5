-- Statements of a file marked `-- reactor:no-transaction` that ran, while the file as a whole has not: it goes on after
-- them the next time.
CREATE TABLE reactor_data.app_migration_steps (
  name text COLLATE "C" NOT NULL,
  -- Place of the statement in its file, from 0.
  step integer NOT NULL,
  -- SHA-256 of the statement in lower-case hex.
  checksum text NOT NULL,
  done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (name, step)
);
