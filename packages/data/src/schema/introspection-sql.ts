/**
 * Everything that the model of one schema is made of, as three JSON arrays. Run it under an empty `search_path`, so that
 * types and expressions come out qualified. What an extension brought is left out: it is not the app's.
 */
export const INTROSPECTION = `
WITH RECURSIVE
exposed AS (
  SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, c.reltype,
    c.relkind = 'v' AND EXISTS (
      SELECT FROM pg_options_to_table(c.reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean
    ) AS security_invoker
  FROM pg_class c
  WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
    AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
),
-- What each view reads, through the views below it.
reads AS (
  SELECT oid AS view, oid AS relation FROM exposed WHERE relkind = 'v'
  UNION
  SELECT reads.view, d.refobjid
  FROM reads
  JOIN pg_class c ON c.oid = reads.relation AND c.relkind = 'v'
  JOIN pg_rewrite r ON r.ev_class = c.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
),
-- Through a view that is no invoker's, its owner reads. Materialized views and foreign tables have no policies.
unenforced AS (
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
),
columns AS (
  SELECT a.attrelid, json_agg(json_build_object(
    'number', a.attnum,
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'nullable', NOT (a.attnotnull OR t.typnotnull),
    'default', CASE
      WHEN a.attidentity <> '' THEN
        format('nextval(%L::regclass)', pg_get_serial_sequence(a.attrelid::regclass::text, a.attname))
      WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault)
    END,
    'generated', CASE WHEN a.attgenerated <> '' OR a.attidentity = 'a' THEN 'always'
      WHEN a.attidentity = 'd' THEN 'by default' ELSE 'never' END,
    'enumLabels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
    'comment', col_description(a.attrelid, a.attnum)
  ) ORDER BY a.attnum) AS list
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  -- Composite types too: functions may return them.
  WHERE a.attnum > 0 AND NOT a.attisdropped
    AND (a.attrelid IN (SELECT oid FROM exposed) OR a.attrelid IN (
      SELECT rt.typrelid FROM pg_proc p JOIN pg_type rt ON rt.oid = p.prorettype
      WHERE p.pronamespace = $1::regnamespace AND rt.typrelid <> 0
    ))
  GROUP BY a.attrelid
),
unique_keys AS (
  SELECT i.indrelid, i.indkey::int2[] AS key
  FROM pg_index i
  WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
    AND i.indnkeyatts = i.indnatts
)
SELECT
  (SELECT coalesce(json_agg(json_build_object(
    'oid', e.oid::int8,
    'name', e.relname,
    'kind', CASE e.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
      WHEN 'v' THEN 'view' ELSE 'materialized view' END,
    'rowSecurity', CASE e.relkind WHEN 'v' THEN NOT EXISTS (SELECT FROM unenforced u WHERE u.view = e.oid)
      ELSE e.relrowsecurity AND e.relkind IN ('r', 'p') END,
    'securityInvoker', e.security_invoker,
    'columns', coalesce(columns.list, '[]'),
    'primaryKey', (SELECT json_agg(k.n ORDER BY k.i) FROM pg_constraint p, unnest(p.conkey) WITH ORDINALITY AS k (n, i)
      WHERE p.conrelid = e.oid AND p.contype = 'p'),
    'definition', CASE WHEN e.relkind IN ('v', 'm') THEN
      (SELECT r.ev_action::text FROM pg_rewrite r WHERE r.ev_class = e.oid AND r.rulename = '_RETURN') END,
    'comment', obj_description(e.oid, 'pg_class')
  ) ORDER BY e.relname), '[]') FROM exposed e LEFT JOIN columns ON columns.attrelid = e.oid) AS relations,
  -- Of all tables: a view in the schema may stand on some outside of it.
  (SELECT coalesce(json_agg(json_build_object(
    'name', f.conname,
    'relation', f.conrelid::int8,
    'columns', f.conkey,
    'referencedRelation', f.confrelid::int8,
    'referencedColumns', f.confkey,
    'unique', EXISTS (SELECT FROM unique_keys u WHERE u.indrelid = f.conrelid AND u.key <@ f.conkey)
  ) ORDER BY f.conname, f.conrelid), '[]')
  -- A partition's copy of its parent's key is no relationship of its own.
  FROM pg_constraint f WHERE f.contype = 'f' AND f.conparentid = 0) AS foreign_keys,
  (SELECT coalesce(json_agg(json_build_object(
    'name', p.proname,
    'arguments', (
      SELECT coalesce(json_agg(json_build_object(
        'name', coalesce(p.proargnames[a.i], ''),
        'type', format_type(a.type, NULL),
        'variadic', a.mode = 'v',
        'rowOf', (SELECT e.relname FROM exposed e WHERE e.reltype = a.type)
      ) ORDER BY a.i), '[]')
      FROM (
        SELECT type, i, coalesce(p.proargmodes[i], 'i') AS mode
        FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS x (type, i)
      ) a
      WHERE a.mode IN ('i', 'b', 'v')
    ),
    'defaults', p.pronargdefaults,
    'out', (
      SELECT json_agg(json_build_object(
        'name', coalesce(nullif(p.proargnames[a.i], ''), 'column' || a.i),
        'type', format_type(a.type, NULL)
      ) ORDER BY a.i)
      FROM unnest(p.proallargtypes) WITH ORDINALITY AS a (type, i)
      WHERE p.proargmodes[a.i] IN ('o', 'b', 't')
    ),
    'returns', format_type(p.prorettype, NULL),
    'returnsRelation', (SELECT e.relname FROM exposed e WHERE e.oid = rt.typrelid),
    'returnsColumns', (SELECT columns.list FROM columns WHERE columns.attrelid = rt.typrelid),
    'returnsSet', p.proretset,
    'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
    'comment', obj_description(p.oid, 'pg_proc')
  ) ORDER BY p.proname, p.oid), '[]')
  FROM pg_proc p JOIN pg_type rt ON rt.oid = p.prorettype
  WHERE p.pronamespace = $1::regnamespace AND p.prokind = 'f'
    -- A set of records without named columns cannot be selected from; other pseudo-types cannot be sent or received.
    AND (rt.typtype <> 'p' OR rt.typname = 'void' OR (rt.typname = 'record' AND p.proallargtypes IS NOT NULL))
    AND NOT EXISTS (
      SELECT FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) AS x (type)
      JOIN pg_type t ON t.oid = x.type WHERE t.typtype = 'p'
    )
    AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )) AS functions`;
