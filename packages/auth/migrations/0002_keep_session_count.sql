-- How many sessions there are, expired or not, for the metrics: counting them on each scrape took 60 ms for a million. One
-- row with the number would make all sign-ins wait for each other, so there are several, and a scrape adds them up. A single
-- row may go below zero, the sum does not.
CREATE TABLE reactor_auth.session_counts (
  slot smallint PRIMARY KEY,
  sessions bigint NOT NULL DEFAULT 0
);
INSERT INTO reactor_auth.session_counts (slot) SELECT generate_series(0, 15);

CREATE FUNCTION reactor_auth.count_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  delta bigint;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    UPDATE reactor_auth.session_counts SET sessions = 0;
    RETURN NULL;
  END IF;
  SELECT CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END INTO delta FROM changed;
  -- One and the same row throughout a transaction, so that two of them cannot wait for each other here.
  UPDATE reactor_auth.session_counts SET sessions = sessions + delta
  WHERE slot = pg_catalog.pg_backend_pid() % 16 AND delta <> 0;
  RETURN NULL;
END $$;

-- From here on nobody else writes sessions until this is committed.
CREATE TRIGGER count_inserted AFTER INSERT ON reactor_auth.sessions
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION reactor_auth.count_sessions();
CREATE TRIGGER count_deleted AFTER DELETE ON reactor_auth.sessions
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION reactor_auth.count_sessions();
CREATE TRIGGER count_truncated AFTER TRUNCATE ON reactor_auth.sessions
  FOR EACH STATEMENT EXECUTE FUNCTION reactor_auth.count_sessions();

UPDATE reactor_auth.session_counts SET sessions = (SELECT count(*) FROM reactor_auth.sessions) WHERE slot = 0;
