/**
 * Run all of these with `search_path` empty, so that names come out qualified. `role=PRIVILEGE` is how privileges are
 * written; PUBLIC has no name. Only what the owner granted counts as ours: a grantee with the grant option is of the app.
 */

const EXTENSION_MEMBER = (catalog: string, oid: string) =>
  `EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

/** The line of `reactor_data.grants` about object `o`: by oid, or by name after a dump was restored. */
const recordOf = (object: string) => `
  LEFT JOIN reactor_data.grants by_oid
    ON by_oid.class = ${object}.class AND by_oid.oid = ${object}.oid AND by_oid.anchor = ${object}.anchor
  LEFT JOIN reactor_data.grants by_name ON by_oid.class IS NULL
    AND by_name.class = ${object}.class AND by_name.name = ${object}.name AND by_name.anchor <> ${object}.anchor`;

const RECORD = `
  CASE WHEN by_oid.class IS NOT NULL THEN to_json(by_oid) WHEN by_name.class IS NOT NULL THEN to_json(by_name) END AS record`;

const RELATION_ANCHOR = `'reactor_data.grants'::regclass::oid`;
const ROUTINE_ANCHOR = `'reactor_data.prepare_role'::regproc::oid`;

/**
 * Tables and views. `protected` says whether policies apply to every reader: row-level security is on; of a view, that it is
 * its caller who reads, and row-level security is on for everything it reads. `said` are the roles that the app has given
 * something, or taken, before we did.
 */
export const RELATIONS = `
WITH RECURSIVE
app AS MATERIALIZED (
  SELECT 'relation' AS class, c.oid, ${RELATION_ANCHOR} AS anchor, c.relname::text AS name, c.relkind, c.relowner,
    c.relacl, c.relrowsecurity, ${EXTENSION_MEMBER('pg_class', 'c.oid')} AS of_extension
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
),
reads AS (
  SELECT oid AS view, oid AS relation FROM app WHERE relkind = 'v'
  UNION
  SELECT reads.view, d.refobjid
  FROM reads
  JOIN pg_class c ON c.oid = reads.relation AND c.relkind = 'v'
  JOIN pg_rewrite r ON r.ev_class = c.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
),
unprotected AS (
  SELECT DISTINCT reads.view
  FROM reads JOIN pg_class c ON c.oid = reads.relation
  WHERE CASE c.relkind
    WHEN 'r' THEN NOT c.relrowsecurity
    WHEN 'p' THEN NOT c.relrowsecurity
    WHEN 'v' THEN NOT EXISTS (
      SELECT FROM pg_options_to_table(c.reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean
    )
    WHEN 'S' THEN false
    ELSE true END
)
SELECT app.class, app.oid::text, app.anchor::text, app.name, format('public.%I', app.name) AS target,
  CASE WHEN app.of_extension THEN 'object of an extension' ELSE CASE app.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END END
    AS kind,
  NOT app.of_extension AND CASE WHEN app.relkind = 'v' THEN NOT EXISTS (SELECT FROM unprotected u WHERE u.view = app.oid)
    ELSE app.relrowsecurity AND app.relkind IN ('r', 'p') END AS protected,
  pg_has_role(app.relowner, 'USAGE') AS grantable,
  app.relkind IN ('r', 'p') AND has_table_privilege(app.oid, 'SELECT') AS lockable,
  p.actual, p.held,
  CASE WHEN app.relacl = ARRAY(SELECT unnest(acldefault('r', app.relowner))) THEN $1::text[] ELSE p.said END AS said,
  '{}'::text[] AS needed, ${RECORD}
FROM app CROSS JOIN LATERAL (
  -- Row by row: joined, PostgreSQL reads the privileges of all for each, where it does not know how many tables there are.
  SELECT coalesce(array_agg(role || '=' || privilege_type) FILTER (WHERE ours), '{}') AS actual,
    coalesce(array_agg(DISTINCT role), '{}') AS said,
    coalesce(array_agg(DISTINCT role || '=' || privilege_type), '{}') AS held
  FROM (
    -- Of the whole relation, and of single columns.
    SELECT x.grantor = app.relowner AND r.rolname IS NOT NULL AS ours, coalesce(r.rolname::text, '') AS role,
      x.privilege_type
    FROM aclexplode(app.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
    WHERE x.grantee = 0 OR r.rolname = ANY ($1::text[])
    UNION ALL
    SELECT false, coalesce(r.rolname::text, ''), x.privilege_type
    FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
    WHERE a.attrelid = app.oid AND a.attacl IS NOT NULL AND (x.grantee = 0 OR r.rolname = ANY ($1::text[]))
  ) AS entries
) p ${recordOf('app')}
ORDER BY app.name`;

/**
 * Routines and sequences with who needs them: `needed` holds who reads, or writes, a relation of any schema whose policy,
 * view, default, generated column, check, index, trigger condition or domain comes back to the object. PostgreSQL asks the
 * one who runs the query for EXECUTE there. The walk goes up from the object over what depends on it, each place once.
 */
export const ROUTINES_AND_SEQUENCES = `
WITH RECURSIVE
app AS MATERIALIZED (
  SELECT 'routine' AS class, p.oid, ${ROUTINE_ANCHOR} AS anchor,
    format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS name, p.oid::regprocedure::text AS target,
    p.proowner AS owner, coalesce(p.proacl, acldefault('f', p.proowner)) AS acl, 'pg_proc'::regclass AS catalog,
    p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) AS is_trigger
  FROM pg_proc p
  WHERE p.pronamespace = 'public'::regnamespace AND NOT ${EXTENSION_MEMBER('pg_proc', 'p.oid')}
  UNION ALL
  SELECT 'sequence', c.oid, ${RELATION_ANCHOR}, c.relname::text, format('public.%I', c.relname), c.relowner, c.relacl,
    'pg_class', false
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND NOT ${EXTENSION_MEMBER('pg_class', 'c.oid')}
),
walk AS (
  (
    SELECT class AS start_class, oid AS start, catalog::oid AS place_class, oid AS place FROM app
    UNION ALL
    -- Of serial and identity columns: the sequence depends on its table.
    SELECT app.class, app.oid, d.refclassid, d.refobjid
    FROM app JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = app.oid
      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    WHERE app.class = 'sequence'
  )
  UNION
  SELECT walk.start_class, walk.start, up.place_class, up.place
  FROM walk CROSS JOIN LATERAL (
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.refclassid = walk.place_class AND d.refobjid = walk.place AND d.deptype <> 'e'
      -- A definer's function runs what it calls as its owner. Tables are where the walk ends.
      AND NOT EXISTS (
        SELECT FROM pg_proc p WHERE walk.place_class = 'pg_proc'::regclass AND p.oid = walk.place AND p.prosecdef
          AND p.oid <> walk.start
      )
      AND NOT EXISTS (
        SELECT FROM pg_class c WHERE walk.place_class = 'pg_class'::regclass AND c.oid = walk.place
          AND c.relkind NOT IN ('v', 'S')
      )
  ) d CROSS JOIN LATERAL (
    SELECT d.classid AS place_class, d.objid AS place WHERE d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
    UNION ALL
    -- Columns use a composite type, not its relation.
    SELECT CASE c.relkind WHEN 'c' THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
      CASE c.relkind WHEN 'c' THEN c.reltype ELSE coalesce(i.indrelid, c.oid) END
      FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
      WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
    UNION ALL
    SELECT 'pg_class'::regclass, adrelid FROM pg_attrdef WHERE d.classid = 'pg_attrdef'::regclass AND oid = d.objid
    UNION ALL
    SELECT 'pg_class'::regclass, polrelid FROM pg_policy WHERE d.classid = 'pg_policy'::regclass AND oid = d.objid
    UNION ALL
    SELECT 'pg_class'::regclass, ev_class FROM pg_rewrite WHERE d.classid = 'pg_rewrite'::regclass AND oid = d.objid
    UNION ALL
    SELECT 'pg_class'::regclass, tgrelid FROM pg_trigger
      WHERE d.classid = 'pg_trigger'::regclass AND oid = d.objid AND tgqual IS NOT NULL
    UNION ALL
    SELECT CASE WHEN conrelid <> 0 THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END,
      CASE WHEN conrelid <> 0 THEN conrelid ELSE contypid END
      FROM pg_constraint WHERE d.classid = 'pg_constraint'::regclass AND oid = d.objid
  ) up
),
users AS MATERIALIZED (
  SELECT DISTINCT walk.start_class, walk.start, coalesce(r.rolname::text, '') AS role, x.privilege_type
  FROM walk JOIN pg_class c ON walk.place_class = 'pg_class'::regclass AND c.oid = walk.place AND c.relkind <> 'S'
  CROSS JOIN LATERAL (
    SELECT grantee, privilege_type FROM aclexplode(c.relacl)
    UNION
    SELECT x.grantee, x.privilege_type FROM pg_attribute a, aclexplode(a.attacl) x
      WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
  ) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
  WHERE x.grantee <> c.relowner AND (x.grantee = 0 OR r.oid IS NOT NULL)
),
needs AS (
  SELECT start_class, start, array_agg(DISTINCT role || '=' || CASE start_class WHEN 'routine' THEN 'EXECUTE' ELSE 'USAGE' END) AS list
  FROM users
  WHERE start_class = 'routine' OR (role = ANY ($1::text[]) AND privilege_type IN ('INSERT', 'UPDATE'))
  GROUP BY 1, 2
)
SELECT app.class, app.oid::text, app.anchor::text, app.name, app.target,
  CASE WHEN app.class = 'sequence' THEN 'sequence' WHEN app.is_trigger THEN 'trigger function' ELSE 'function' END AS kind,
  true AS protected, pg_has_role(app.owner, 'USAGE') AS grantable, false AS lockable, x.actual, x.actual AS held, '{}'::text[] AS said,
  coalesce(n.list, '{}') AS needed, ${RECORD}
FROM app
LEFT JOIN needs n ON n.start_class = app.class AND n.start = app.oid
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(coalesce(r.rolname::text, '') || '=' || x.privilege_type), '{}') AS actual
  FROM aclexplode(app.acl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
  WHERE x.grantor = app.owner AND x.grantee <> app.owner AND (x.grantee = 0 OR r.oid IS NOT NULL)
) x ${recordOf('app')}
ORDER BY app.class, app.name`;
