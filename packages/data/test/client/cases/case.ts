import type { PostgrestClient, PostgrestFilterBuilder, PostgrestQueryBuilder } from '@supabase/postgrest-js';

/** A method of the client by its class: what a caller can reach, whichever class it is inherited from. */
export type MethodName =
  | `client.${Exclude<keyof PostgrestClient, 'prototype'> & string}`
  | `query.${(keyof PostgrestQueryBuilder<AnyClient, never, never> & string) | 'cloneRequestState'}`
  | `filter.${(keyof AnyFilter & string) | 'processResponse'}`;

type AnyClient = { PostgrestVersion: '13' };
type AnyFilter = PostgrestFilterBuilder<AnyClient, never, Record<string, unknown>, unknown>;

/** A call of the client, and what it must resolve to; members that the expectation leaves out may be anything. */
export interface Case {
  /** The methods that the case is there to show. */
  readonly uses: readonly MethodName[];
  run(client: PostgrestClient): PromiseLike<unknown>;
  readonly answer: unknown;
}

/** A case about which films a filter leaves, by `id`. */
export function films(
  method: `filter.${string}`,
  filter: (query: FilmsQuery) => PromiseLike<unknown>,
  ...found: readonly number[]
): Case {
  return {
    uses: [method as MethodName],
    run: (client) => filter(client.from('films').select('id').order('id') as unknown as FilmsQuery),
    answer: { status: 200, error: null, data: found.map((id) => ({ id })) },
  };
}

export type FilmsQuery = ReturnType<ReturnType<PostgrestClient['from']>['select']>;
