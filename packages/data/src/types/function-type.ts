import type { DatabaseFunction, FunctionArgument, Relation } from '../schema/model.js';
import { rowType } from './relation-type.js';
import { arrayType, member, objectType, stringLiteral } from './syntax.js';
import { orNull, type ValueTypes } from './value-type.js';

export interface FunctionContext {
  readonly values: ValueTypes;
  readonly relations: ReadonlyMap<string, Relation>;
  /** The type of a row of a relation that is described; undefined for the others. */
  readonly rowReference: (relation: string) => string | undefined;
}

/** One overload; undefined for a function that no request can call, since an argument has no name. */
export function functionType(one: DatabaseFunction, context: FunctionContext): string | undefined {
  const args = argumentsType(one.arguments, context.values);
  if (args === undefined) return undefined;
  return objectType([
    member('Args', args),
    member('Returns', resultType(one, context)),
    ...setofOptions(one, context).map((options) => member('SetofOptions', options)),
  ]);
}

/** What PostgreSQL takes: null for any argument, and the whole body for the only one when it is JSON without a name. */
function argumentsType(all: readonly FunctionArgument[], values: ValueTypes): string | undefined {
  const [first, ...others] = all;
  if (first === undefined) return 'never';
  if (others.length === 0 && first.name === '' && /^jsonb?$/.test(first.type))
    return 'Record<string, Json | undefined>';
  if (all.some(({ name }) => name === '')) return undefined;
  return objectType(
    all.map(({ name, type, hasDefault, variadic }) => {
      return member(name, orNull(values.of(type)), { optional: hasDefault || variadic });
    }),
  );
}

/** Any scalar that a function returns may be null. A row is always an object. */
function resultType({ returns, returnsSet }: DatabaseFunction, context: FunctionContext): string {
  const set = (type: string) => (returnsSet ? arrayType(type) : type);
  switch (returns.kind) {
    case 'void':
      return 'undefined';
    case 'scalar':
      return set(orNull(context.values.of(returns.type)));
    case 'columns':
      return set(rowType([...returns.columns.values()], context.values));
    case 'relation': {
      const columns = context.relations.get(returns.relation)?.columns.values() ?? [];
      return set(context.rowReference(returns.relation) ?? rowType([...columns], context.values));
    }
  }
}

/** Says whose rows come back, so that what they are related to can be embedded. */
function setofOptions({ returns, returnsSet }: DatabaseFunction, { rowReference }: FunctionContext): string[] {
  if (returns.kind !== 'relation' || rowReference(returns.relation) === undefined) return [];
  return [
    objectType([
      // Called by itself, and not as a column of some relation.
      member('from', stringLiteral('*')),
      member('to', stringLiteral(returns.relation)),
      member('isOneToOne', String(!returnsSet)),
      member('isSetofReturn', String(returnsSet)),
    ]),
  ];
}
