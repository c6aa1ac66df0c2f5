import { type Column, type DatabaseFunction, isEnforced, type Relation, type SchemaModel } from './model.js';

type Json = Readonly<Record<string, unknown>>;

/** Types that are something else than text in JSON, by their name without modifier. */
const JSON_TYPES: Readonly<Record<string, Json>> = {
  smallint: { type: 'integer', format: 'int32' },
  integer: { type: 'integer', format: 'int32' },
  bigint: { type: 'integer', format: 'int64' },
  real: { type: 'number' },
  'double precision': { type: 'number' },
  numeric: { type: 'number' },
  boolean: { type: 'boolean' },
  json: {},
  jsonb: {},
  uuid: { type: 'string', format: 'uuid' },
  date: { type: 'string', format: 'date' },
  'timestamp with time zone': { type: 'string', format: 'date-time' },
};

/**
 * OpenAPI 3.1 of what requests may use: a relation without row-level security is not in it.
 * @param server path under which the routes are mounted
 */
export function describeSchema(model: SchemaModel, server: string): Json {
  const relations = [...model.relations.values()].filter(isEnforced);
  const functions = [...model.functions.values()];
  return {
    openapi: '3.1.0',
    info: { title: `Tables and functions of the schema ${model.schema}`, version: '1' },
    servers: [{ url: server }],
    security: [{ bearer: [] }, {}],
    paths: Object.fromEntries([
      ...relations.map((relation) => [`/${encodeURIComponent(relation.name)}`, relationPath(relation)]),
      ...functions.flatMap((overloads) => functionPaths(overloads)),
    ]),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(relations.map((relation) => [relation.name, relationSchema(relation)])),
      parameters: Object.fromEntries(QUERY_PARAMETERS),
    },
  };
}

const QUERY_PARAMETERS = [
  ['select', 'Columns and embedded relations.'],
  ['order', 'Columns to sort by, e.g. `name.desc.nullslast`.'],
  ['limit', 'Most rows.'],
  ['offset', 'Rows to skip.'],
].map(([name, description]): [string, Json] => [
  name as string,
  { name, in: 'query', description, schema: { type: 'string' } },
]);

const COMMON_PARAMETERS = QUERY_PARAMETERS.map(([name]) => ({ $ref: `#/components/parameters/${name}` }));

function relationPath(relation: Relation): Json {
  const schema = { $ref: `#/components/schemas/${relation.name.replaceAll('~', '~0').replaceAll('/', '~1')}` };
  const rows = { 'application/json': { schema: { type: 'array', items: schema } } };
  const filters = [...relation.columns.keys()].map((name) => ({
    name,
    in: 'query',
    description: 'Operator and operand, e.g. `eq.1`.',
    schema: { type: 'string' },
  }));
  const row = { required: true, content: { 'application/json': { schema } } };
  const answers = { 200: { description: 'Rows', content: rows }, 204: { description: 'Done' } };
  const summary = relation.comment ?? relation.name;
  return {
    get: { summary, parameters: [...COMMON_PARAMETERS, ...filters], responses: { 200: answers[200] } },
    post: {
      summary: `Insert into ${relation.name}`,
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { oneOf: [schema, { type: 'array', items: schema }] } } },
      },
      responses: { 201: { description: 'Inserted', content: rows } },
    },
    patch: { summary: `Update ${relation.name}`, parameters: filters, requestBody: row, responses: answers },
    delete: { summary: `Delete from ${relation.name}`, parameters: filters, responses: answers },
  };
}

function relationSchema({ columns, comment }: Relation): Json {
  const all = [...columns.values()];
  const required = all.filter(
    (column) => !column.nullable && column.default === undefined && column.generated === 'never',
  );
  return {
    type: 'object',
    ...(comment === undefined ? {} : { description: comment }),
    properties: Object.fromEntries(all.map((column) => [column.name, columnSchema(column)])),
    ...(required.length === 0 ? {} : { required: required.map(({ name }) => name) }),
  };
}

function columnSchema({ type, nullable, generated, enumLabels, comment }: Column): Json {
  const own = enumLabels === undefined ? typeSchema(type) : { type: 'string', enum: enumLabels };
  return {
    ...(nullable ? orNull(own) : own),
    ...(comment === undefined ? {} : { description: comment }),
    ...(generated === 'always' ? { readOnly: true } : {}),
  };
}

/** An enumeration lists null as well as allowing its type. */
function orNull(schema: Json): Json {
  return {
    ...schema,
    ...('type' in schema ? { type: [schema.type, 'null'] } : {}),
    ...(Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {}),
  };
}

function typeSchema(type: string): Json {
  if (type.endsWith('[]')) return { type: 'array', items: typeSchema(type.slice(0, -2)) };
  const base = type.replace(/\(.*?\)/, '');
  return Object.hasOwn(JSON_TYPES, base) ? (JSON_TYPES[base] ?? {}) : { type: 'string' };
}

function functionPaths(overloads: readonly DatabaseFunction[]): [string, Json][] {
  const [first] = overloads;
  if (first === undefined) return [];
  const bodies = overloads.map(({ arguments: all }) => ({
    type: 'object',
    properties: Object.fromEntries(all.map(({ name, type }) => [name, typeSchema(type)])),
    required: all.filter(({ hasDefault, variadic }) => !hasDefault && !variadic).map(({ name }) => name),
  }));
  const schema = bodies.length === 1 ? bodies[0] : { oneOf: bodies };
  return [
    [
      `/rpc/${encodeURIComponent(first.name)}`,
      {
        post: {
          summary: first.comment ?? first.name,
          requestBody: { content: { 'application/json': { schema } } },
          responses: { 200: { description: 'What it returns' }, 204: { description: 'It returns nothing' } },
        },
      },
    ],
  ];
}
