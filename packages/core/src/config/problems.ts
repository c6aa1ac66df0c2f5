import type { z } from 'zod';
import { nearest } from '../nearest.js';
import { keyPath, tableOf, typeAt } from './tables.js';

/** One thing that is wrong with the values of a section. */
export interface SectionProblem {
  /** Below the section: `['s3', 'bucket']`; empty for the section itself. */
  readonly path: readonly string[];
  /** Without the path. */
  readonly message: string;
  /** Whether the only thing wrong is that the value is missing. */
  readonly isMissing: boolean;
}

/** What zod found wrong with `values`, one problem for each key. */
export function describeIssues(
  section: string,
  schema: z.ZodObject,
  values: unknown,
  issues: readonly z.core.$ZodIssue[],
): readonly SectionProblem[] {
  return issues.flatMap((issue): readonly SectionProblem[] => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key; ${knownInstead(key, typeAt(schema, path), [section, ...path])}`,
        isMissing: false,
      }));
    }
    return [
      { path, message: issue.message, isMissing: issue.code !== 'custom' && valueAt(values, path) === undefined },
    ];
  });
}

/**
 * What to try instead of a key that a table does not have: the nearest one that it has, or all of them.
 * @param path of the table, with the section
 */
export function knownInstead(key: string, type: z.ZodType | undefined, path: readonly string[]): string {
  const table = tableOf(type);
  if (table === undefined || !('keys' in table)) return `${keyPath(path)} is not a table`;
  const known = Object.keys(table.keys);
  const meant = nearest(key, known);
  return meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${keyPath([...path, meant])}?`;
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  let found = values;
  for (const key of path) found = (found as Readonly<Record<string, unknown>> | undefined)?.[key];
  return found;
}
