CREATE SCHEMA IF NOT EXISTS reactor_functions;

-- One row. Blobs lie below its id, so that a blob folder which meets another database (a fresh one, say) is not swept
-- empty by it.
CREATE TABLE reactor_functions.store (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO reactor_functions.store DEFAULT VALUES;

-- Every blob that a deployment or the sweeper has claimed. Who inserts a key first owns it: a bundle that is committed
-- can no longer be condemned, and a condemned blob can no longer be committed.
CREATE TABLE reactor_functions.blobs (
  key text COLLATE "C" PRIMARY KEY,
  -- When no deployment pointed to the blob any more.
  condemned_at timestamptz,
  -- When its bytes were removed. The row stays for a while, so that a deployment which was frozen all the time cannot
  -- commit the key after all.
  removed_at timestamptz
);
CREATE INDEX blobs_condemned ON reactor_functions.blobs (condemned_at)
  WHERE condemned_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX blobs_removed ON reactor_functions.blobs (removed_at) WHERE removed_at IS NOT NULL;

CREATE TABLE reactor_functions.functions (
  id uuid PRIMARY KEY,
  -- Byte order, the same on every server whatever its locale.
  name text COLLATE "C" NOT NULL UNIQUE,
  description text,
  -- The promoted one.
  current_deployment_id uuid,
  -- Rises with each change of a variable: a process that has an older one asks for them anew.
  revision bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reactor_functions.deployments (
  id uuid PRIMARY KEY,
  function_id uuid NOT NULL REFERENCES reactor_functions.functions (id) ON DELETE CASCADE,
  version integer NOT NULL CHECK (version > 0),
  status text NOT NULL CHECK (status IN ('pending', 'ready', 'failed')),
  -- Why it failed.
  status_detail text,
  -- Of the archive as it came.
  sha256 text NOT NULL,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  blob_key text COLLATE "C" UNIQUE REFERENCES reactor_functions.blobs (key),
  -- What its function.json says, and its entry; known once it was unpacked.
  settings jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  ready_at timestamptz,
  UNIQUE (function_id, version),
  UNIQUE (function_id, id),
  -- What cannot be deployed is not kept.
  CHECK ((blob_key IS NULL) = (status = 'failed')),
  CHECK ((ready_at IS NOT NULL) = (status = 'ready')),
  CHECK (settings IS NOT NULL OR status <> 'ready')
);
CREATE INDEX deployments_pending ON reactor_functions.deployments (created_at) WHERE status = 'pending';

-- A function runs nobody else's code.
ALTER TABLE reactor_functions.functions ADD FOREIGN KEY (id, current_deployment_id)
  REFERENCES reactor_functions.deployments (function_id, id);

CREATE TABLE reactor_functions.environment (
  function_id uuid NOT NULL REFERENCES reactor_functions.functions (id) ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  is_secret boolean NOT NULL,
  value text,
  -- The value of a secret, encrypted.
  sealed bytea,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (function_id, key),
  CHECK (is_secret = (sealed IS NOT NULL) AND is_secret = (value IS NULL))
);
