/** Longest of the lists, in bytes: some 300 000 columns. */
const MAX_BYTES = 67_108_864;

/** Of the rules of all views, in bytes. A view whose rule is not read inherits no foreign keys. */
const MAX_DEFINITIONS = 33_554_432;

/**
 * Everything that the model of one schema is made of: a row for each entry of four lists, as JSON, so that nobody has to
 * parse a list at once. A list that is too long is one row that says so, an empty one is a row without an entry. Ids are
 * there so that what was replaced by its like differs. Run it under an empty `search_path`, so that
 * types and expressions come out qualified. What an extension brought is left out: it is not the app's.
 */
export const INTROSPECTION = `
WITH
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
-- What security invokers read. Any other view reads with the rights of its owner, whatever lies below it.
reads AS (
  SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation, CASE c.relkind
      WHEN 'r' THEN NOT c.relrowsecurity
      WHEN 'p' THEN NOT c.relrowsecurity
      WHEN 'v' THEN NOT EXISTS (
        SELECT FROM pg_options_to_table(c.reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean
      )
      WHEN 'S' THEN false
      ELSE true END AS open
  FROM pg_class v
  JOIN pg_rewrite r ON r.ev_class = v.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid <> v.oid
  JOIN pg_class c ON c.oid = d.refobjid
  WHERE v.relkind = 'v' AND EXISTS (
    SELECT FROM pg_options_to_table(v.reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean
  )
),
-- The longest rule of a view that is still read, when the short ones come first.
longest AS (
  SELECT max(bytes) AS bytes
  FROM (
    SELECT octet_length(r.ev_action::text) AS bytes,
      sum(octet_length(r.ev_action::text)) OVER (ORDER BY octet_length(r.ev_action::text)) AS total
    FROM pg_rewrite r JOIN exposed e ON e.oid = r.ev_class AND e.relkind IN ('v', 'm')
    WHERE r.rulename = '_RETURN'
  ) AS rules
  WHERE total <= ${MAX_DEFINITIONS}
),
columns AS (
  SELECT a.attrelid, json_agg(json_build_object(
    'number', a.attnum,
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'typeId', a.atttypid::int8,
    'arrayless', t.typarray = 0 AND t.typelem = 0,
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
),
found AS MATERIALIZED (SELECT
  (SELECT coalesce(json_agg(json_build_object(
    'oid', e.oid::int8,
    'name', e.relname,
    'kind', CASE e.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table'
      WHEN 'v' THEN 'view' ELSE 'materialized view' END,
    'rowSecurity', e.relrowsecurity AND e.relkind IN ('r', 'p'),
    'securityInvoker', e.security_invoker,
    'columns', coalesce(columns.list, '[]'),
    'primaryKey', (SELECT json_agg(k.n ORDER BY k.i) FROM pg_constraint p, unnest(p.conkey) WITH ORDINALITY AS k (n, i)
      WHERE p.conrelid = e.oid AND p.contype = 'p'),
    'definition', (SELECT r.ev_action::text FROM pg_rewrite r
      WHERE r.ev_class = e.oid AND r.rulename = '_RETURN' AND e.relkind IN ('v', 'm')
        AND octet_length(r.ev_action::text) <= (SELECT bytes FROM longest)),
    'comment', obj_description(e.oid, 'pg_class')
  ) ORDER BY e.relname), '[]') 
    FROM exposed e
    LEFT JOIN columns ON columns.attrelid = e.oid) AS relations,
  (SELECT coalesce(json_agg(json_build_object(
    'view', view::int8, 'relation', relation::int8, 'open', open
  ) ORDER BY view, relation), '[]') FROM reads) AS reads,
  -- Of all tables: a view in the schema may stand on some outside of it.
  (SELECT coalesce(json_agg(json_build_object(
    'name', f.conname,
    'relation', f.conrelid::int8,
    'columns', f.conkey,
    'referencedRelation', f.confrelid::int8,
    'referencedColumns', f.confkey,
    'unique', EXISTS (SELECT FROM unique_keys u WHERE u.indrelid = f.conrelid AND u.key <@ f.conkey)
  ) ORDER BY f.conname, f.conrelid), '[]')
  -- A partition's copy of its parent's key is not a relationship of its own.
  FROM pg_constraint f WHERE f.contype = 'f' AND f.conparentid = 0) AS foreign_keys,
  (SELECT coalesce(json_agg(json_build_object(
    'id', p.oid::int8,
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
    )) AS functions
),
lists AS MATERIALIZED (
  SELECT name, list, octet_length(list::text) AS bytes
  FROM found, LATERAL (VALUES
    ('relations', relations), ('reads', reads), ('foreign_keys', foreign_keys), ('functions', functions)
  ) AS lists (name, list)
)
-- Text longer than that stays where it is: it would fill the memory of the process that asks.
SELECT name, CASE WHEN bytes > ${MAX_BYTES} THEN bytes END AS "tooLong", item::text
FROM lists LEFT JOIN LATERAL json_array_elements(CASE WHEN bytes <= ${MAX_BYTES} THEN list END)
  WITH ORDINALITY AS items (item, position) ON true
ORDER BY name, position`;
