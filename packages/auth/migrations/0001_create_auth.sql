CREATE SCHEMA IF NOT EXISTS reactor_auth;

CREATE TABLE reactor_auth.users (
  id uuid PRIMARY KEY,
  -- Two spellings of one address must not become two accounts.
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  email_verified boolean NOT NULL DEFAULT false,
  name text NOT NULL,
  image text,
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reactor_auth.organizations (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  slug text NOT NULL UNIQUE,
  logo text,
  -- JSON as text: that is how better-auth writes this one.
  metadata text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reactor_auth.members (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES reactor_auth.organizations (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES reactor_auth.users (id) ON DELETE CASCADE,
  role text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, user_id)
);
CREATE INDEX members_user_id_idx ON reactor_auth.members (user_id);

CREATE TABLE reactor_auth.invitations (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES reactor_auth.organizations (id) ON DELETE CASCADE,
  inviter_id uuid NOT NULL REFERENCES reactor_auth.users (id) ON DELETE CASCADE,
  email text NOT NULL,
  role text,
  status text NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invitations_organization_id_idx ON reactor_auth.invitations (organization_id);
CREATE INDEX invitations_inviter_id_idx ON reactor_auth.invitations (inviter_id);
CREATE INDEX invitations_email_idx ON reactor_auth.invitations (email);

CREATE TABLE reactor_auth.sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES reactor_auth.users (id) ON DELETE CASCADE,
  token text NOT NULL UNIQUE,
  active_organization_id uuid REFERENCES reactor_auth.organizations (id) ON DELETE SET NULL,
  ip_address text,
  user_agent text,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_user_id_idx ON reactor_auth.sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON reactor_auth.sessions (expires_at);
CREATE INDEX sessions_active_organization_id_idx ON reactor_auth.sessions (active_organization_id)
  WHERE active_organization_id IS NOT NULL;

CREATE TABLE reactor_auth.accounts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES reactor_auth.users (id) ON DELETE CASCADE,
  provider_id text NOT NULL,
  account_id text NOT NULL,
  -- scrypt, salt:hash in hex.
  password text,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (provider_id, account_id)
);
CREATE INDEX accounts_user_id_idx ON reactor_auth.accounts (user_id);

CREATE TABLE reactor_auth.verifications (
  id uuid PRIMARY KEY,
  identifier text NOT NULL,
  value text NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX verifications_identifier_idx ON reactor_auth.verifications (identifier);
CREATE INDEX verifications_expires_at_idx ON reactor_auth.verifications (expires_at);

CREATE TABLE reactor_auth.signing_keys (
  -- The `kid` of the tokens signed with it.
  id uuid PRIMARY KEY,
  alg text,
  crv text,
  public_key text NOT NULL,
  -- Encrypted with auth.secret.
  private_key text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- No new token is signed after this.
  expires_at timestamptz
);

-- Whoever disables a user, by whatever client, also ends what that user has open.
CREATE FUNCTION reactor_auth.end_sessions_of_disabled_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM reactor_auth.sessions WHERE user_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER end_sessions_of_disabled_user
  AFTER UPDATE OF disabled_at ON reactor_auth.users
  FOR EACH ROW WHEN (NEW.disabled_at IS NOT NULL)
  EXECUTE FUNCTION reactor_auth.end_sessions_of_disabled_user();
