CREATE SCHEMA reactor_data;

-- What policies ask. Bodies without quotes are bound to these very objects, whatever the search_path of the caller.
CREATE SCHEMA IF NOT EXISTS auth;

CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb;
COMMENT ON FUNCTION auth.jwt() IS 'Claims of the caller''s token; {} without one.';

CREATE FUNCTION auth.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (auth.jwt() ->> 'sub')::uuid;
COMMENT ON FUNCTION auth.user_id() IS 'The signed-in user; null when nobody is.';

CREATE FUNCTION auth.org_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (auth.jwt() ->> 'org_id')::uuid;
COMMENT ON FUNCTION auth.org_id() IS 'The organization that the token acts for; null when for none.';

CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN auth.jwt() ->> 'org_role';
COMMENT ON FUNCTION auth.role() IS 'The user''s role in auth.org_id(): owner, admin or member.';

CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN auth.jwt() ->> 'email';
COMMENT ON FUNCTION auth.email() IS 'The user''s address as the token has it.';

CREATE FUNCTION auth.session_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN auth.jwt() ->> 'session_id';
COMMENT ON FUNCTION auth.session_id() IS 'The session that the token was issued for.';

CREATE FUNCTION auth.is_authenticated() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN auth.jwt() ->> 'sub' IS NOT NULL;
COMMENT ON FUNCTION auth.is_authenticated() IS 'Whether a user is signed in.';

CREATE FUNCTION auth.in_org(org uuid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(org = auth.org_id(), false);
COMMENT ON FUNCTION auth.in_org(uuid) IS 'Whether the token acts for this organization.';

CREATE FUNCTION auth.has_permission(permission text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  RETURN coalesce(auth.jwt() -> 'permissions' ?| ARRAY[permission, '*'], false);
COMMENT ON FUNCTION auth.has_permission(text) IS
  'Whether the claim "permissions", an array of strings, has this permission or "*".';

-- Ends what a function or a trigger may have begun on its connection beyond the transaction. Whoever gets the connection
-- next must not meet it. As DISCARD ALL, which would take the prepared statements too. Triggers that wait for the end of
-- the transaction run before, while the settings of the request are there. In the schema that requests can look into.
CREATE FUNCTION auth.end_request() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  SET CONSTRAINTS ALL IMMEDIATE;
  -- PL/pgSQL has a CLOSE of its own.
  EXECUTE 'CLOSE ALL';
  DISCARD TEMP;
  DISCARD SEQUENCES;
  UNLISTEN *;
  PERFORM pg_catalog.pg_advisory_unlock_all();
  RESET ALL;
  RESET SESSION AUTHORIZATION;
END $$;
COMMENT ON FUNCTION auth.end_request() IS 'The last statement of a request: leaves nothing of it on the connection.';

-- What a request answers. An error undoes what the statement did; and nothing longer is even sent.
CREATE FUNCTION auth.bounded(body text, max_bytes integer) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF octet_length(body) > max_bytes THEN
    RAISE EXCEPTION USING ERRCODE = 'RX001',
      MESSAGE = format('The result has %s bytes, more than is answered at once.', octet_length(body)),
      HINT = 'Ask for fewer rows, columns or embedded relations.';
  END IF;
  RETURN body;
END $$;
COMMENT ON FUNCTION auth.bounded(text, integer) IS 'The answer of a request, unless it is too long (RX001).';

-- Makes a role that requests run under and gives it what it needs: here, and again when it was lost, as by restoring a
-- backup onto another server. Row-level security decides about rows; the privileges say which verbs are open at all.
-- Roles belong to the whole server, so other databases on it may have made them, and another may be making them right now.
CREATE PROCEDURE reactor_data.prepare_role(request_role text, login text) LANGUAGE plpgsql AS $$
DECLARE
  -- 16 told being a member and being allowed to become the role apart.
  mode text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
  verbs text := CASE request_role WHEN 'reactor_anon' THEN 'SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END;
  relation record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = request_role) THEN
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', request_role);
    EXCEPTION WHEN unique_violation OR duplicate_object THEN
      NULL;
    END;
  END IF;
  -- Even who creates a role may not yet become it.
  IF NOT pg_has_role(login, request_role, mode) THEN
    BEGIN
      EXECUTE format('GRANT %I TO %I', request_role, login);
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE EXCEPTION 'the role % belongs to another login; an administrator has to run: %', request_role,
        format('GRANT %I TO %I;', request_role, login);
    END;
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA auth, public TO %I', request_role);
  -- Only what the login may grant: others may have tables there, too.
  FOR relation IN
    SELECT oid::regclass AS name, relkind FROM pg_catalog.pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND pg_has_role(login, relowner, 'USAGE')
  LOOP
    IF relation.relkind = 'S' THEN
      EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', relation.name, request_role);
    ELSE
      EXECUTE format('GRANT %s ON %s TO %I', verbs, relation.name, request_role);
    END IF;
  END LOOP;
  EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT %s ON TABLES TO %I', login, verbs, request_role);
  EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT USAGE ON SEQUENCES TO %I', login, request_role);
END $$;
CALL reactor_data.prepare_role('reactor_anon', current_user);
CALL reactor_data.prepare_role('reactor_authenticated', current_user);

-- The app's own migrations, as they were applied.
CREATE TABLE reactor_data.app_migrations (
  -- File name without .sql.
  name text COLLATE "C" PRIMARY KEY,
  -- SHA-256 in lower-case hex.
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Tells every server that the schema has changed. Event triggers are for superusers only; where the login is none, the
-- migration runner, an administrator's NOTIFY, or a request that misses something makes the servers look anew.
CREATE FUNCTION reactor_data.notify_schema_change() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Functions may make temporary tables in every request; those are not in the schema.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands())
    OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp')
  THEN
    PERFORM pg_catalog.pg_notify('reactor_data', 'ddl');
  END IF;
END $$;

DO $$
BEGIN
  IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    CREATE EVENT TRIGGER reactor_data_schema_change ON ddl_command_end
      EXECUTE FUNCTION reactor_data.notify_schema_change();
  END IF;
END $$;
