import type { Case } from './case.js';

/** Every method that begins a request, and what only writes have. They run in this order on the same database. */
export const queries: readonly Case[] = [
  {
    uses: ['client.from', 'query.select', 'query.cloneRequestState'],
    run: (client) => client.from('competitions').select().eq('id', 1),
    answer: { status: 200, data: [{ id: 1, name: 'Cannes', year: 1962 }] },
  },
  {
    uses: ['query.select'],
    run: (client) => client.from('films').select('*', { head: true, count: 'exact' }),
    answer: { status: 200, data: null, count: 5 },
  },
  {
    uses: ['query.select'],
    run: (client) => client.from('films').select('title, ...directors(by:last_name), roles(count)').eq('id', 2),
    answer: { data: [{ title: 'Seven Samurai', by: 'Kurosawa', roles: [{ count: 1 }] }] },
  },
  {
    uses: ['query.select'],
    run: (client) => client.from('films').select('"title", "tag list":tags').eq('id', 3),
    answer: { data: [{ title: 'Yojimbo, "the bodyguard"', 'tag list': ['sword'] }] },
  },
  {
    uses: ['client.schema'],
    run: (client) => client.schema('public').from('films').select('id').eq('id', 1),
    answer: { status: 200, data: [{ id: 1 }] },
  },
  {
    uses: ['client.schema'],
    run: (client) => client.schema('secret').from('films').select('id'),
    answer: { status: 406, data: null, error: { code: 'PGRST106' } },
  },
  {
    uses: ['client.schema', 'query.insert'],
    run: (client) => client.schema('secret').from('competitions').insert({ id: 9 }),
    answer: { status: 406, error: { code: 'PGRST106' } },
  },
  {
    uses: ['client.schema', 'client.rpc'],
    run: (client) => client.schema('secret').rpc('add_them', { a: 1, b: 2 }),
    answer: { status: 406, error: { code: 'PGRST106' } },
  },
  { uses: ['client.rpc'], run: (client) => client.rpc('add_them', { a: 1, b: 2 }), answer: { status: 200, data: 3 } },
  { uses: ['client.rpc'], run: (client) => client.rpc('add_them', { a: 1, b: 2 }, { get: true }), answer: { data: 3 } },
  {
    uses: ['client.rpc'],
    run: (client) => client.rpc('total', { list: [1, 2, 3] }, { get: true }),
    answer: { data: 6 },
  },
  { uses: ['client.rpc'], run: (client) => client.rpc('nothing'), answer: { status: 204, data: null, error: null } },
  {
    uses: ['client.rpc', 'filter.select'],
    run: (client) => client.rpc('made_in', { lang: 'ja' }, { count: 'exact' }).select('id').order('id').limit(1),
    answer: { status: 206, data: [{ id: 2 }], count: 2 },
  },
  {
    uses: ['client.rpc'],
    run: (client) => client.rpc('made_in', { lang: 'ja' }, { get: true }).gt('year', 1960).select('id').single(),
    answer: { data: { id: 3 } },
  },
  {
    uses: ['client.rpc'],
    run: (client) => client.rpc('made_in', { lang: 'ja' }, { head: true, count: 'exact' }),
    answer: { status: 200, data: null, count: 2 },
  },
  {
    // The client sends a POST here and wants nothing back.
    uses: ['client.rpc'],
    run: (client) => client.rpc('keys_of', { info: { a: 1, b: 2 } }, { head: true, count: 'exact' }),
    answer: { status: 204, data: null, count: 2, error: null },
  },
  {
    uses: ['client.rpc', 'filter.maxAffected'],
    run: (client) => (client.rpc('made_in', { lang: 'ja' }) as unknown as Limited).maxAffected(1),
    answer: { status: 400, error: { code: 'PGRST124' } },
  },
  {
    uses: ['query.insert'],
    run: (client) => client.from('competitions').insert({ id: 10, name: 'Rome', year: 2000 }),
    answer: { status: 201, data: null, error: null },
  },
  {
    uses: ['query.insert', 'filter.select'],
    run: (client) =>
      client
        .from('competitions')
        .insert(
          [
            { id: 11, name: 'Oslo', year: 2001 },
            { id: 12, name: 'Bonn', year: 2002 },
          ],
          { count: 'exact' },
        )
        .select('id, films(id)'),
    answer: {
      status: 201,
      count: 2,
      data: [
        { id: 11, films: [] },
        { id: 12, films: [] },
      ],
    },
  },
  {
    uses: ['query.insert'],
    run: (client) =>
      client
        .from('films')
        .insert(
          [
            { id: 20, title: 'a', year: 1, tags: ['t'] },
            { id: 21, title: 'b', year: 2 },
          ],
          { defaultToNull: false },
        )
        .select('tags'),
    answer: { data: [{ tags: ['t'] }, { tags: [] }] },
  },
  {
    uses: ['query.insert'],
    run: (client) =>
      client.from('films').insert([
        { id: 22, title: 'a', year: 1, tags: ['t'] },
        { id: 23, title: 'b', year: 2 },
      ]),
    answer: { status: 400, error: { code: '23502' } },
  },
  {
    uses: ['query.insert'],
    run: (client) => client.from('competitions').insert({ id: 10, name: 'again', year: 0 }),
    answer: { status: 409, error: { code: '23505' } },
  },
  {
    uses: ['query.upsert'],
    run: (client) =>
      client
        .from('competitions')
        .upsert([
          { id: 10, name: 'Roma', year: 2000 },
          { id: 13, name: 'Riga', year: 2003 },
        ])
        .select('name'),
    answer: { status: 201, data: [{ name: 'Roma' }, { name: 'Riga' }] },
  },
  {
    uses: ['query.upsert'],
    run: (client) =>
      client
        .from('competitions')
        .upsert({ id: 10, name: 'kept out', year: 0 }, { ignoreDuplicates: true, count: 'exact' })
        .select(),
    answer: { status: 201, data: [], count: 0 },
  },
  {
    uses: ['query.upsert'],
    run: (client) =>
      client
        .from('roles')
        .upsert({ film_id: 1, actor_id: 1, character: 'Cleo' }, { onConflict: 'film_id,actor_id' })
        .select('character')
        .single(),
    answer: { data: { character: 'Cleo' } },
  },
  {
    uses: ['query.upsert'],
    run: (client) =>
      client
        .from('films')
        .upsert(
          [
            { id: 20, title: 'a', year: 3 },
            { id: 24, title: 'd', year: 4, tags: ['x'] },
          ],
          { defaultToNull: false },
        )
        .select('year, tags'),
    answer: {
      data: [
        { year: 3, tags: [] },
        { year: 4, tags: ['x'] },
      ],
    },
  },
  {
    uses: ['query.update'],
    run: (client) => client.from('competitions').update({ year: 1999 }).eq('id', 10),
    answer: { status: 204, data: null, error: null },
  },
  {
    uses: ['query.update', 'filter.select'],
    run: (client) =>
      client.from('competitions').update({ year: 1998 }, { count: 'exact' }).gte('id', 12).select('id').order('id'),
    answer: { status: 200, count: 2, data: [{ id: 12 }, { id: 13 }] },
  },
  {
    uses: ['query.update'],
    run: (client) => client.from('competitions').update({ year: 1998 }),
    answer: { status: 400, error: { code: '21000' } },
  },
  {
    uses: ['filter.rollback'],
    run: (client) => client.from('competitions').update({ year: 0 }).eq('id', 10).select('year').rollback(),
    answer: { status: 200, data: [{ year: 0 }] },
  },
  {
    uses: ['filter.maxAffected'],
    run: (client) => (client.from('competitions').update({ year: 0 }).gt('id', 9) as unknown as Limited).maxAffected(2),
    answer: { status: 400, error: { code: 'PGRST124' } },
  },
  {
    uses: ['query.select'],
    run: (client) => client.from('competitions').select('id,year').gt('id', 9).order('id'),
    answer: {
      data: [
        { id: 10, year: 1999 },
        { id: 11, year: 2001 },
        { id: 12, year: 1998 },
        { id: 13, year: 1998 },
      ],
    },
  },
  {
    uses: ['query.delete', 'filter.select'],
    run: (client) => client.from('competitions').delete({ count: 'exact' }).gt('id', 10).select('id').order('id'),
    answer: { status: 200, count: 3, data: [{ id: 11 }, { id: 12 }, { id: 13 }] },
  },
  {
    uses: ['query.delete'],
    run: (client) => client.from('competitions').delete().eq('id', 10),
    answer: { status: 204, data: null, error: null },
  },
  {
    uses: ['query.delete'],
    run: (client) => client.from('competitions').delete(),
    answer: { status: 400, error: { code: '21000' } },
  },
];

/** Its types offer the method only to who names the version of PostgREST. */
interface Limited {
  maxAffected(rows: number): PromiseLike<unknown>;
}
