CREATE SCHEMA IF NOT EXISTS reactor_storage;

-- One row. Blobs lie below its id, so that a blob folder which meets another database (a fresh one, say) is not swept
-- empty by it.
CREATE TABLE reactor_storage.store (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO reactor_storage.store DEFAULT VALUES;

CREATE TABLE reactor_storage.buckets (
  id uuid PRIMARY KEY,
  -- Byte order, the same on every server whatever its locale.
  slug text COLLATE "C" NOT NULL UNIQUE,
  is_public boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Every blob that an upload or the sweeper has claimed. Who inserts a key first owns it: an upload that commits can no
-- longer be condemned, and a condemned blob can no longer be committed.
CREATE TABLE reactor_storage.blobs (
  key text COLLATE "C" PRIMARY KEY,
  -- When no object pointed to the blob any more.
  condemned_at timestamptz,
  -- When its bytes were removed. The row stays for a while, so that an upload which was frozen all the time cannot
  -- commit the key after all.
  removed_at timestamptz
);
CREATE INDEX blobs_condemned ON reactor_storage.blobs (condemned_at)
  WHERE condemned_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX blobs_removed ON reactor_storage.blobs (removed_at) WHERE removed_at IS NOT NULL;

CREATE TABLE reactor_storage.objects (
  id uuid PRIMARY KEY,
  bucket_id uuid NOT NULL REFERENCES reactor_storage.buckets (id),
  key text COLLATE "C" NOT NULL,
  blob_key text COLLATE "C" NOT NULL UNIQUE REFERENCES reactor_storage.blobs (key),
  content_type text NOT NULL,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  sha256 text NOT NULL,
  -- The user who created it; null for what the operator created.
  owner_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (bucket_id, key)
);
-- The listing of a private bucket shows a user only what is theirs.
CREATE INDEX objects_owner ON reactor_storage.objects (bucket_id, owner_id, key);

-- Totals for the metrics. Counting all objects on each scrape would cost seconds on a large store, and one row with the
-- total would make all uploads wait for each other: so there are several rows, one of them changes, and a scrape adds
-- them up. A single row may go below zero, the sum does not.
CREATE TABLE reactor_storage.usage (
  slot smallint PRIMARY KEY,
  objects bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0
);
INSERT INTO reactor_storage.usage (slot) SELECT generate_series(0, 15);

CREATE FUNCTION reactor_storage.add_usage(objects_delta bigint, bytes_delta bigint) RETURNS void
LANGUAGE sql AS $$
  UPDATE reactor_storage.usage
  SET objects = objects + objects_delta, bytes = bytes + bytes_delta
  -- A subquery, so that random() is evaluated once and not once for each row.
  WHERE slot = (SELECT floor(random() * 16)::smallint) AND (objects_delta <> 0 OR bytes_delta <> 0);
$$;

CREATE FUNCTION reactor_storage.count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM reactor_storage.add_usage(count(*), coalesce(sum(size_bytes), 0)::bigint) FROM new_objects;
  RETURN NULL;
END $$;

CREATE FUNCTION reactor_storage.count_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM reactor_storage.add_usage(-count(*), -coalesce(sum(size_bytes), 0)::bigint) FROM old_objects;
  RETURN NULL;
END $$;

CREATE FUNCTION reactor_storage.count_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM reactor_storage.add_usage(
    0,
    ((SELECT coalesce(sum(size_bytes), 0) FROM new_objects) - (SELECT coalesce(sum(size_bytes), 0) FROM old_objects))::bigint
  );
  RETURN NULL;
END $$;

CREATE TRIGGER count_inserted AFTER INSERT ON reactor_storage.objects
  REFERENCING NEW TABLE AS new_objects FOR EACH STATEMENT EXECUTE FUNCTION reactor_storage.count_inserted();
CREATE TRIGGER count_deleted AFTER DELETE ON reactor_storage.objects
  REFERENCING OLD TABLE AS old_objects FOR EACH STATEMENT EXECUTE FUNCTION reactor_storage.count_deleted();
CREATE TRIGGER count_updated AFTER UPDATE ON reactor_storage.objects
  REFERENCING NEW TABLE AS new_objects OLD TABLE AS old_objects
  FOR EACH STATEMENT EXECUTE FUNCTION reactor_storage.count_updated();
