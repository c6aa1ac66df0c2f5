import { expect } from 'vitest';
import type { Case } from './case.js';

/** Every method that shapes the answer of a read. */
export const transforms: readonly Case[] = [
  {
    uses: ['filter.order'],
    run: (client) =>
      client.from('films').select('id').order('rating', { ascending: false, nullsFirst: false }).limit(2),
    answer: { data: [{ id: 4 }, { id: 2 }] },
  },
  {
    uses: ['filter.order'],
    run: (client) => client.from('films').select('id').order('language', { nullsFirst: true }).order('id').limit(2),
    answer: { data: [{ id: 5 }, { id: 4 }] },
  },
  {
    uses: ['filter.order', 'filter.limit'],
    run: (client) =>
      client
        .from('directors')
        .select('id, films(id)')
        .eq('id', 2)
        .order('year', { referencedTable: 'films', ascending: false })
        .limit(1, { referencedTable: 'films' }),
    answer: { data: [{ id: 2, films: [{ id: 3 }] }] },
  },
  {
    uses: ['filter.order'],
    run: (client) =>
      client.from('films').select('id, directors(last_name)').order('directors(last_name)').order('id').limit(1),
    answer: { data: [{ id: 2, directors: { last_name: 'Kurosawa' } }] },
  },
  {
    uses: ['filter.limit'],
    run: (client) => client.from('films').select('id', { count: 'exact' }).order('id').limit(2),
    answer: { status: 206, count: 5, data: [{ id: 1 }, { id: 2 }] },
  },
  {
    uses: ['filter.range'],
    run: (client) => client.from('films').select('id').order('id').range(1, 2),
    answer: { status: 200, data: [{ id: 2 }, { id: 3 }] },
  },
  {
    uses: ['filter.range'],
    run: (client) => client.from('films').select('id', { count: 'exact' }).range(9, 12),
    answer: { status: 416, data: null, error: { code: 'PGRST103' } },
  },
  {
    uses: ['filter.range'],
    run: (client) =>
      client
        .from('directors')
        .select('id, films(id)')
        .eq('id', 2)
        .order('id', { referencedTable: 'films' })
        .range(1, 5, { referencedTable: 'films' }),
    answer: { data: [{ id: 2, films: [{ id: 3 }] }] },
  },
  {
    uses: ['filter.abortSignal'],
    run: (client) => client.from('films').select('id').abortSignal(AbortSignal.abort()),
    answer: { status: 0, data: null, error: { message: expect.stringContaining('AbortError') } },
  },
  {
    uses: ['filter.abortSignal'],
    run: (client) => client.from('films').select('id').eq('id', 1).abortSignal(new AbortController().signal),
    answer: { status: 200, data: [{ id: 1 }] },
  },
  {
    uses: ['filter.single'],
    run: (client) => client.from('films').select('id').eq('id', 1).single(),
    answer: { status: 200, data: { id: 1 } },
  },
  {
    uses: ['filter.single'],
    run: (client) => client.from('films').select('id').single(),
    answer: { status: 406, data: null, error: { code: 'PGRST116', details: 'The result contains 5 rows' } },
  },
  {
    uses: ['filter.maybeSingle'],
    run: (client) => client.from('films').select('id').eq('id', 1).maybeSingle(),
    answer: { status: 200, data: { id: 1 }, error: null },
  },
  {
    uses: ['filter.maybeSingle'],
    run: (client) => client.from('films').select('id').eq('id', 99).maybeSingle(),
    answer: { status: 200, data: null, error: null },
  },
  {
    uses: ['filter.maybeSingle'],
    run: (client) => client.from('films').select('id').maybeSingle(),
    answer: { status: 406, data: null, error: { code: 'PGRST116' } },
  },
  {
    uses: ['filter.csv'],
    run: (client) => client.from('films').select('id,title').gt('id', 3).order('id').csv(),
    answer: { data: 'id,title\n4,12 Angry Men\n5,Untitled (100%)' },
  },
  {
    // PostGIS makes GeoJSON, and the databases here do not have it.
    uses: ['filter.geojson'],
    run: (client) => client.from('films').select('id').geojson(),
    answer: {
      status: 406,
      data: null,
      error: { code: 'PGRST107', message: expect.stringContaining('application/geo+json') },
    },
  },
  {
    uses: ['filter.explain'],
    run: (client) => client.from('films').select('id').eq('id', 1).explain(),
    answer: { status: 200, data: expect.stringContaining('films_pkey') },
  },
  {
    uses: ['filter.explain'],
    run: (client) =>
      client
        .from('films')
        .select('id')
        .explain({ analyze: true, verbose: true, settings: true, buffers: true, wal: true, format: 'json' }),
    answer: { data: [{ Plan: expect.objectContaining({ Output: expect.any(Array) }) }] },
  },
  {
    uses: ['filter.explain'],
    run: async (client) => {
      await client.from('films').select('id').eq('id', 1).single();
      return client.from('films').delete().eq('id', 1).explain({ analyze: true });
    },
    answer: { status: 409, error: { code: '23503' } },
  },
  {
    uses: ['filter.stripNulls'],
    run: (client) => client.from('films').select('id,rating').eq('id', 5).stripNulls(),
    answer: { data: [{ id: 5 }] },
  },
  {
    uses: ['filter.stripNulls', 'filter.single'],
    run: (client) => client.from('films').select('id,rating').eq('id', 5).stripNulls().single(),
    answer: { data: { id: 5 } },
  },
  {
    uses: ['filter.setHeader'],
    run: (client) => client.from('films').select('id').order('id').setHeader('Range', '3-3'),
    answer: { data: [{ id: 4 }] },
  },
  {
    uses: ['filter.setHeader'],
    run: (client) => client.from('technical_specs').delete().setHeader('Prefer', 'handling=strict, max-affected=0'),
    answer: { status: 400, error: { code: 'PGRST124' } },
  },
  {
    uses: ['filter.returns'],
    run: (client) => client.from('films').select('id').eq('id', 1).returns<{ id: number }[]>(),
    answer: { data: [{ id: 1 }] },
  },
  {
    uses: ['filter.overrideTypes'],
    run: (client) => client.from('films').select('id').eq('id', 1).overrideTypes<{ id: number }[], { merge: false }>(),
    answer: { data: [{ id: 1 }] },
  },
  {
    uses: ['filter.throwOnError'],
    run: (client) => client.from('films').select('id').eq('id', 1).throwOnError(),
    answer: { data: [{ id: 1 }] },
  },
  {
    uses: ['filter.throwOnError'],
    run: (client) =>
      client
        .from('film')
        .select('id')
        .throwOnError()
        .then(undefined, (error: unknown) => error),
    answer: { name: 'PostgrestError', code: 'PGRST205', hint: 'Perhaps "films" was meant.', details: null },
  },
  {
    uses: ['filter.then', 'filter.processResponse'],
    run: (client) =>
      client
        .from('films')
        .select('id')
        .eq('id', 1)
        .then(({ data }) => ({ data })),
    answer: { data: [{ id: 1 }] },
  },
  {
    uses: ['filter.retry'],
    run: (client) => client.rpc('conflict', {}, { get: true }).retry(false),
    answer: { status: 503, error: { code: '40001' } },
  },
];
