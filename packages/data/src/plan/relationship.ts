import { nearest } from '@reactor/core';
import type { EmbedItem } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { ForeignKey, SchemaModel } from '../schema/model.js';

export type Cardinality = 'many-to-one' | 'one-to-one' | 'one-to-many' | 'many-to-many';

/** How the rows of one relation belong to those of another. */
export interface Relationship {
  readonly cardinality: Cardinality;
  /** Whether the foreign key is on the side embedded into, so that its row refers to the embedded one. */
  readonly outgoing: boolean;
  readonly target: string;
  /** Column pairs that must be equal: of the relation embedded into, and of the target; or of the junction, if any. */
  readonly pairs: readonly (readonly [own: string, other: string])[];
  /** The relation between the two of a many-to-many one, and its columns paired with the target's. */
  readonly junction?: { readonly relation: string; readonly pairs: readonly (readonly [own: string, other: string])[] };
  /** The word that tells it apart as a hint. */
  readonly hint: string;
  /** Other words that do. */
  readonly hints: readonly string[];
  /** Other words that name it as a target. */
  readonly targets: readonly string[];
}

/** Whether at most one row is embedded. */
export function isToOne({ cardinality }: Relationship): boolean {
  return cardinality === 'many-to-one' || cardinality === 'one-to-one';
}

/**
 * The one relationship that an embed means.
 * @throws QueryError PGRST200 (400) when there is none, PGRST201 (300) when there are several
 */
export function findRelationship(model: SchemaModel, from: string, embed: EmbedItem): Relationship {
  const known = relationshipsOf(model, from);
  const candidates = known.filter(
    ({ target, targets, hint, hints }) =>
      (target === embed.target || targets.includes(embed.target)) &&
      (embed.hint === undefined || hint === embed.hint || hints.includes(embed.hint)),
  );
  // A recursive relationship leads both ways. A column or constraint names the row it refers to, the relation with a
  // hint the rows that refer to it.
  const meant =
    embed.target === from && embed.hint !== undefined && candidates.length > 1
      ? candidates.filter(({ outgoing }) => !outgoing)
      : candidates;
  const [only, ...others] = meant;
  if (only === undefined) throw notFound(from, embed, known);
  if (others.length > 0) throw ambiguous(from, embed, meant);
  return only;
}

/** By model and relation: what a schema has does not change, and a request may embed many times. */
const KNOWN = new WeakMap<SchemaModel, Map<string, readonly Relationship[]>>();

function relationshipsOf(model: SchemaModel, from: string): readonly Relationship[] {
  const known = KNOWN.get(model) ?? new Map<string, readonly Relationship[]>();
  KNOWN.set(model, known);
  const found = known.get(from) ?? relationships(model, from);
  known.set(from, found);
  return found;
}

function relationships(model: SchemaModel, from: string): Relationship[] {
  const incoming = model.foreignKeys.filter(({ referencedRelation }) => referencedRelation === from);
  const near = new Set(incoming.map(({ relation }) => relation));
  // Of those nearby only: views make more keys than can be compared with each other.
  const keysOf = new Map<string, ForeignKey[]>(Array.from(near, (relation) => [relation, []]));
  for (const key of model.foreignKeys) keysOf.get(key.relation)?.push(key);
  return [
    ...model.foreignKeys.filter(({ relation }) => relation === from).map(referred),
    ...incoming.map(referring),
    ...incoming.flatMap((key) =>
      (keysOf.get(key.relation) ?? []).filter((far) => isJunction(model, key, far)).map((far) => through(key, far)),
    ),
  ];
}

function pairsOf(key: ForeignKey, direction: 'out' | 'in'): (readonly [string, string])[] {
  return key.columns.map((column, index) => {
    const referenced = key.referencedColumns[index] ?? '';
    return direction === 'out' ? [column, referenced] : [referenced, column];
  });
}

/** The columns that stand for a key: its own when it has only one. */
function columnNames(key: ForeignKey): readonly string[] {
  return key.columns.length === 1 ? key.columns : [];
}

function referred(key: ForeignKey): Relationship {
  return {
    cardinality: key.unique ? 'one-to-one' : 'many-to-one',
    outgoing: true,
    target: key.referencedRelation,
    pairs: pairsOf(key, 'out'),
    hint: key.name,
    hints: columnNames(key),
    targets: [key.name, ...columnNames(key)],
  };
}

function referring(key: ForeignKey): Relationship {
  return {
    cardinality: key.unique ? 'one-to-one' : 'one-to-many',
    outgoing: false,
    target: key.relation,
    pairs: pairsOf(key, 'in'),
    hint: key.name,
    hints: columnNames(key),
    // A recursive key's name leads to the row it refers to, as everywhere else.
    targets: key.relation === key.referencedRelation ? [] : [key.name],
  };
}

/** Both keys lie in the primary key of their relation, so that a pair of rows is linked at most once. */
function isJunction(model: SchemaModel, near: ForeignKey, far: ForeignKey): boolean {
  // A key that a view inherits leads to the view and to the table below it; that is still one key.
  if (near.relation !== far.relation || near.name === far.name) return false;
  const primaryKey = model.relations.get(near.relation)?.primaryKey ?? [];
  return [...near.columns, ...far.columns].every((column) => primaryKey.includes(column));
}

function through(near: ForeignKey, far: ForeignKey): Relationship {
  return {
    cardinality: 'many-to-many',
    outgoing: false,
    target: far.referencedRelation,
    pairs: pairsOf(near, 'in'),
    junction: { relation: near.relation, pairs: pairsOf(far, 'out') },
    hint: near.relation,
    hints: [near.name, far.name],
    targets: [],
  };
}

function notFound(from: string, embed: EmbedItem, known: readonly Relationship[]): QueryError {
  const withHint = embed.hint === undefined ? '' : ` by ${quoted(embed.hint)}`;
  const targets = [...new Set(known.map(({ target }) => target))];
  const meant = nearest(embed.target, targets);
  return new QueryError(
    'relationship_not_found',
    'PGRST200',
    `${quoted(from)} and ${quoted(embed.target)} have no relationship${withHint}`,
    {
      details: { embeddable: targets },
      hint: meant === undefined ? 'A foreign key between the two makes one.' : `Perhaps ${quoted(meant)} was meant.`,
    },
  );
}

function ambiguous(from: string, embed: EmbedItem, candidates: readonly Relationship[]): QueryError {
  const choices = candidates.map(({ target, hint }) => `${target}!${hint}`);
  return new QueryError(
    'ambiguous_embed',
    'PGRST201',
    `${quoted(from)} and ${quoted(embed.target)} have more than one relationship`,
    {
      details: candidates.map((candidate) => ({
        cardinality: candidate.cardinality,
        relationship: candidate.hint,
        embedding: `${from} with ${candidate.target}`,
      })),
      hint: `Name one of them: ${[...new Set(choices)].map(quoted).join(', ')}.`,
    },
  );
}
