import { invalidInput } from '@reactor/core';
import { z } from 'zod';

/** Columns of a member that hold for sorting and comparing; better-auth passes any name on to SQL. */
const memberField = z.enum(['role', 'createdAt', 'userId']).optional();

const listMembersQuery = z.looseObject({
  sortBy: memberField,
  filterField: memberField,
  // What every one of those columns can be compared by.
  filterOperator: z.enum(['eq', 'ne', 'lt', 'lte', 'gt', 'gte']).optional(),
});

/** better-auth takes an empty change and then writes SQL that has nothing to set. */
const updateOrganizationBody = z.looseObject({
  data: z
    .looseObject({})
    .refine((data) => ['name', 'slug', 'logo', 'metadata'].some((key) => Object.hasOwn(data, key)), {
      error: 'must have name, slug, logo or metadata',
    }),
});

/** What better-auth should check of a request and does not, by path. */
const CHECKS: Readonly<Record<string, { readonly query?: z.ZodType; readonly body?: z.ZodType }>> = {
  '/organization/list-members': { query: listMembersQuery },
  '/organization/update': { body: updateOrganizationBody },
};

/**
 * @param body the parsed JSON body, undefined when none came
 * @throws ReactorError `invalid_request` (400) naming the field
 */
export function checkProviderInput(path: string, query: URLSearchParams, body: unknown): void {
  const { query: querySchema, body: bodySchema } = CHECKS[path] ?? {};
  const ofQuery = querySchema?.safeParse(Object.fromEntries(query));
  if (ofQuery?.success === false) throw invalidInput(ofQuery.error.issues, 'query string');
  const ofBody = bodySchema?.safeParse(body);
  if (ofBody?.success === false) throw invalidInput(ofBody.error.issues, 'JSON body');
}
