-- The first release gave the request roles privileges on everything in public, now and later. Functions of the app could
-- then read tables without row-level security, materialized views and the views of an owner on behalf of anybody. From
-- here on the server gives privileges only where policies hold, and notes here what it gave and took.
CREATE TABLE reactor_data.grants (
  -- relation, sequence or routine.
  class text NOT NULL CHECK (class IN ('relation', 'sequence', 'routine')),
  oid oid NOT NULL,
  -- Oid of an object of this schema that a restored dump gives a new one. Where it is another, oids mean nothing.
  anchor oid NOT NULL,
  -- Name in the schema public, of a routine with its argument types; finds the object again in a restored dump.
  name text COLLATE "C" NOT NULL,
  -- upgrade: there when the first release was upgraded. existing: older than Reactor in this database.
  origin text NOT NULL CHECK (origin IN ('upgrade', 'existing', 'new')),
  -- Nothing is given until an operator exposes it.
  withheld boolean NOT NULL DEFAULT false,
  -- What we gave, as `role=PRIVILEGE`; PUBLIC has no name. Only this is ever taken back.
  given text[] NOT NULL DEFAULT '{}',
  -- What is the app's own to give or not, as it once did so itself; `*` for everything.
  untouched text[] NOT NULL DEFAULT '{}',
  -- What we took and did not give back; for the doctor.
  taken text[] NOT NULL DEFAULT '{}',
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (class, oid, anchor)
);

-- The request roles as they were when privileges were last compared. A role that was dropped and made again, or that is
-- another server's, has lost what it was given, which nobody revoked.
CREATE TABLE reactor_data.grant_roles (
  name text PRIMARY KEY,
  oid oid NOT NULL
);
INSERT INTO reactor_data.grant_roles
  SELECT rolname, oid FROM pg_catalog.pg_roles WHERE rolname IN ('reactor_anon', 'reactor_authenticated');

-- Makes a role that requests run under, and lets it look into the schemas: here, and again when it was lost, as by
-- restoring a backup onto another server. Roles belong to the whole server, so other databases on it may have made them,
-- and another may be making them right now. Privileges on tables and functions are given elsewhere.
CREATE OR REPLACE PROCEDURE reactor_data.prepare_role(request_role text, login text) LANGUAGE plpgsql AS $$
DECLARE
  -- 16 told being a member and being allowed to become the role apart.
  mode text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
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
END $$;

-- GRANT and REVOKE fire the trigger too. Those of the server itself change nothing that is served, and must not make it
-- look again, find nothing to do, and so on.
CREATE OR REPLACE FUNCTION reactor_data.notify_schema_change() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.current_setting('reactor.reconciling', true) = 'on' THEN
    RETURN;
  END IF;
  -- Functions may make temporary tables in every request; those are not in the schema.
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands())
    OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp')
  THEN
    PERFORM pg_catalog.pg_notify('reactor_data', 'ddl');
  END IF;
END $$;

-- Only what the first release gave: the app may have default privileges of its own.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT DISTINCT d.defaclrole, d.defaclobjtype, r.rolname
    FROM pg_catalog.pg_default_acl d, aclexplode(d.defaclacl) x JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
    WHERE d.defaclnamespace = 'public'::regnamespace AND d.defaclobjtype IN ('r', 'S')
      AND r.rolname IN ('reactor_anon', 'reactor_authenticated') AND pg_has_role(d.defaclrole, 'USAGE')
  LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public REVOKE %s FROM %I',
      (SELECT rolname FROM pg_catalog.pg_roles WHERE oid = entry.defaclrole),
      CASE WHEN entry.defaclobjtype = 'S' THEN 'USAGE ON SEQUENCES'
        WHEN entry.rolname = 'reactor_anon' THEN 'SELECT ON TABLES'
        ELSE 'SELECT, INSERT, UPDATE, DELETE ON TABLES' END,
      entry.rolname);
  END LOOP;
END $$;

-- Where PUBLIC may execute, nobody ever said otherwise: it will be taken. Else everything stays as it is.
CREATE FUNCTION reactor_data.note_routines(origin text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO reactor_data.grants (class, oid, anchor, name, origin, withheld, given, untouched)
    SELECT 'routine', p.oid, 'reactor_data.prepare_role'::regproc,
      format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), note_routines.origin,
      note_routines.origin = 'existing',
      CASE WHEN is_open THEN ARRAY['=EXECUTE'] ELSE '{}' END, CASE WHEN is_open THEN '{}' ELSE ARRAY['*'] END
    FROM pg_catalog.pg_proc p CROSS JOIN LATERAL (
      SELECT EXISTS (
        SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
        WHERE grantee = 0 AND privilege_type = 'EXECUTE'
      )
    ) AS x (is_open)
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      )
$$;

-- What is there now: of an installation of the first release, or older than Reactor.
DO $$
DECLARE
  is_new boolean := to_regclass('reactor_data_before.relations') IS NOT NULL;
  entry record;
BEGIN
  PERFORM set_config('reactor.reconciling', 'on', true);
  IF is_new THEN
    -- The first migration gave, as ever; that is taken back to the letter.
    FOR entry IN
      SELECT c.oid::regclass AS name, c.relkind, r.rolname, x.privilege_type
      FROM reactor_data_before.relations b JOIN pg_catalog.pg_class c ON c.oid = b.oid,
        aclexplode(c.relacl) x JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
      WHERE r.rolname IN ('reactor_anon', 'reactor_authenticated') AND x.grantor = c.relowner
        AND pg_has_role(c.relowner, 'USAGE')
        AND NOT EXISTS (
          SELECT FROM aclexplode(b.acl::aclitem[]) old
          WHERE old.grantee = x.grantee AND old.privilege_type = x.privilege_type
        )
    LOOP
      EXECUTE format('REVOKE %s ON %s %s FROM %I', entry.privilege_type,
        CASE entry.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, entry.name, entry.rolname);
    END LOOP;
    INSERT INTO reactor_data.grants (class, oid, anchor, name, origin, withheld)
      SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END, c.oid,
        'reactor_data.grants'::regclass, c.relname, 'existing', true
      FROM reactor_data_before.relations b JOIN pg_catalog.pg_class c ON c.oid = b.oid
      WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      );
    PERFORM reactor_data.note_routines('existing');
    DROP TABLE reactor_data_before.relations;
    DROP SCHEMA reactor_data_before;
  ELSE
    INSERT INTO reactor_data.grants (class, oid, anchor, name, origin, given, untouched)
      SELECT o.class, o.oid, 'reactor_data.grants'::regclass, o.relname, 'upgrade',
        coalesce(array_agg(w.entry) FILTER (WHERE has.it), '{}'), coalesce(array_agg(w.entry) FILTER (WHERE NOT has.it), '{}')
      FROM (
        SELECT c.oid, c.relname, c.relacl, c.relowner, CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END AS class
        FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      ) o
      JOIN (VALUES ('relation', 'reactor_anon', 'SELECT'), ('relation', 'reactor_authenticated', 'SELECT'),
        ('relation', 'reactor_authenticated', 'INSERT'), ('relation', 'reactor_authenticated', 'UPDATE'),
        ('relation', 'reactor_authenticated', 'DELETE'), ('sequence', 'reactor_anon', 'USAGE'),
        ('sequence', 'reactor_authenticated', 'USAGE')
      ) AS v (class, role, privilege) ON v.class = o.class
      CROSS JOIN LATERAL (SELECT v.role || '=' || v.privilege AS entry) w
      CROSS JOIN LATERAL (
        SELECT EXISTS (
          SELECT FROM aclexplode(o.relacl) x JOIN pg_catalog.pg_roles r ON r.oid = x.grantee
          WHERE r.rolname = v.role AND x.privilege_type = v.privilege AND x.grantor = o.relowner
        ) AS it
      ) has
      GROUP BY o.class, o.oid, o.relname;
    PERFORM reactor_data.note_routines('upgrade');
  END IF;
  PERFORM set_config('reactor.reconciling', '', true);
END $$;

DROP FUNCTION reactor_data.note_routines(text);
