import { nearest } from '@reactor/core';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import { isEnforced, type Relation, type SchemaModel } from '../schema/model.js';
import { identifier } from './sql.js';

/** @throws QueryError PGRST205 (404) when there is none, 42501 (403) when the database would not enforce its policies */
export function findRelation(model: SchemaModel, name: string): Relation {
  const relation = model.relations.get(name);
  if (relation === undefined) {
    const meant = nearest(name, model.relations.keys());
    throw new QueryError('table_not_found', 'PGRST205', `there is no table or view ${quoted(name)}`, {
      ...(meant === undefined ? {} : { hint: `Perhaps ${quoted(meant)} was meant.` }),
    });
  }
  return requireEnforced(relation);
}

/** @throws QueryError 42501 (403) */
export function requireEnforced(relation: Relation): Relation {
  if (isEnforced(relation)) return relation;
  const isOwners = relation.kind === 'view' && !relation.securityInvoker;
  const name = quoted(relation.name);
  const message = isOwners ? `the view ${name} shows what its owner sees` : `row-level security is off for ${name}`;
  throw new QueryError('row_security_off', '42501', message, { hint: remedy(relation) });
}

function remedy(relation: Relation): string {
  const name = identifier(relation.name);
  if (relation.kind === 'materialized view') return 'A materialized view cannot have it; use a view or a function.';
  if (relation.kind !== 'view') return `An operator can switch it on: ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY.`;
  if (!relation.securityInvoker) return `An operator can run: ALTER VIEW ${name} SET (security_invoker = true).`;
  return 'An operator can switch it on for the tables that this view reads.';
}
