import { describe, expect, it } from 'vitest';
import { createTestStorage, jsonBody, refusal } from './support/storage.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe('the operator', () => {
  it('creates, lists, gets, changes and deletes buckets', async () => {
    const { as } = await createTestStorage();
    const admin = as('admin');
    const created = await admin('POST', '/buckets', jsonBody({ slug: 'photos', is_public: true }));
    expect(created.status).toBe(201);
    const bucket = await created.json();
    expect(bucket).toEqual({
      id: expect.stringMatching(UUID),
      slug: 'photos',
      name: 'photos',
      is_public: true,
      public: true,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updated_at: bucket.created_at,
    });
    expect((await admin('POST', '/buckets', jsonBody({ name: 'avatars' }))).status).toBe(201);

    const { buckets } = await (await admin('GET', '/buckets')).json();
    expect(buckets.map((b: { slug: string; public: boolean }) => [b.slug, b.public])).toEqual([
      ['avatars', false],
      ['photos', true],
    ]);
    expect(await (await admin('GET', '/buckets/photos')).json()).toEqual(bucket);
    expect(await (await admin('GET', `/buckets/${bucket.id.toUpperCase()}`)).json()).toEqual(bucket);

    const changed = await (await admin('PATCH', '/buckets/photos', jsonBody({ public: false }))).json();
    expect(changed).toMatchObject({ id: bucket.id, is_public: false });
    const untouched = await (await admin('PATCH', '/buckets/photos', jsonBody({}))).json();
    expect(untouched).toEqual(changed);

    expect((await admin('DELETE', `/buckets/${bucket.id}`)).status).toBe(204);
    expect(await refusal(await admin('GET', '/buckets/photos'))).toBe('404 bucket_not_found');
  });

  it('deletes a bucket with its objects only when asked to', async () => {
    const { as, bucket } = await createTestStorage();
    const admin = as('admin');
    await bucket('full');
    await admin('PUT', '/object/full/a', { body: 'x' });
    expect(await refusal(await admin('DELETE', '/buckets/full'))).toBe('409 bucket_not_empty');
    expect(await refusal(await admin('DELETE', '/buckets/full?cascade=false'))).toBe('409 bucket_not_empty');
    expect(await refusal(await admin('DELETE', '/buckets/full?cascade=1'))).toBe('400 invalid_request');
    expect(await (await admin('GET', '/object/full/a')).text()).toBe('x');
    expect((await admin('DELETE', '/buckets/full?cascade=true')).status).toBe(204);
    await bucket('full');
    expect(await refusal(await admin('GET', '/object/full/a'))).toBe('404 object_not_found');
  });

  it('can take an upload and a cascading delete at once, and ends with one of the two', async () => {
    const { as, bucket, database } = await createTestStorage();
    const admin = as('admin');
    for (let i = 0; i < 10; i++) {
      await bucket('race');
      const [put, deletion] = await Promise.all([
        admin('PUT', '/object/race/a', { body: 'x' }),
        admin('DELETE', '/buckets/race?cascade=true'),
      ]);
      expect(deletion.status).toBe(204);
      expect([200, 404]).toContain(put.status);
      const { rows } = await database.query('SELECT FROM reactor_storage.objects');
      expect(rows).toEqual([]);
    }
  });
});

describe('a bucket is refused', () => {
  it('with a slug of another form, or one that is reserved', async () => {
    const { as } = await createTestStorage();
    const uuid = '0190a000-0000-7000-8000-00000000000a';
    const malformed = ['Photos', 'a_b', '-a', 'a-', '', 'a'.repeat(64), 'a\0', 'ä', '_reactor_sites', uuid];
    for (const slug of [...malformed, 'list', 'sign', 'public', 'move', 'copy']) {
      expect(await refusal(await as('admin')('POST', '/buckets', jsonBody({ slug })))).toBe('400 invalid_bucket_name');
    }
  });

  it.each([
    ['no slug', {}],
    ['an unknown field', { slug: 'a', colour: 'red' }],
    ['a slug and another name', { slug: 'a', name: 'b' }],
    ['public and private', { slug: 'a', is_public: true, public: false }],
    ['a slug of another type', { slug: 1 }],
    ['no object', []],
  ])('with %s', async (_, body) => {
    const { as } = await createTestStorage();
    expect(await refusal(await as('admin')('POST', '/buckets', jsonBody(body)))).toBe('400 invalid_request');
  });

  it.each(['', '{', 'slug=a'])('with the body %j', async (body) => {
    const { as } = await createTestStorage();
    const post = (type: string) => as('admin')('POST', '/buckets', { body, headers: { 'Content-Type': type } });
    expect((await post('application/json')).status).toBe(400);
    expect((await post('text/plain')).status).toBe(415);
  });

  it('when its slug is taken', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('a'.repeat(63));
    const again = await as('admin')('POST', '/buckets', jsonBody({ name: 'a'.repeat(63) }));
    expect(await refusal(again)).toBe('409 bucket_exists');
  });
});

it('does not know buckets that cannot be', async () => {
  const { as } = await createTestStorage();
  for (const ref of ['none', '%00', 'a%2Fb', '..%2F', '0190a000-0000-7000-8000-00000000000a', 'x'.repeat(5_000)]) {
    for (const method of ['GET', 'DELETE']) {
      expect(await refusal(await as('admin')(method, `/buckets/${ref}`))).toBe('404 bucket_not_found');
    }
    expect(await refusal(await as('admin')('PATCH', `/buckets/${ref}`, jsonBody({ public: true })))).toBe(
      '404 bucket_not_found',
    );
  }
});

it('lets nobody but the operator near buckets, whatever they send', async () => {
  const { as, bucket } = await createTestStorage();
  await bucket('photos', true);
  const calls: [string, string, RequestInit?][] = [
    ['POST', '/buckets', jsonBody({ slug: 'mine' })],
    ['POST', '/buckets', jsonBody({ nonsense: 1 })],
    ['GET', '/buckets'],
    ['GET', '/buckets/photos'],
    ['GET', '/buckets/none'],
    ['PATCH', '/buckets/photos', jsonBody({ public: false })],
    ['DELETE', '/buckets/photos?cascade=true'],
  ];
  for (const [method, path, init] of calls) {
    expect(await refusal(await as('alice')(method, path, init))).toBe('403 forbidden');
    const anonymous = await as(undefined)(method, path, init);
    expect(anonymous.headers.get('WWW-Authenticate')).toBe('Bearer');
    expect(await refusal(anonymous)).toBe('401 unauthorized');
    expect(await refusal(await as('stolen')(method, path, init))).toBe('401 invalid_token');
  }
});

describe('a body that describes a bucket', () => {
  /** JSON of exactly this length. */
  const padded = (value: object, length: number) => JSON.stringify(value).padEnd(length, ' ');

  it.each([
    ['POST', '/buckets', { slug: 'new' }, 201],
    ['PATCH', '/buckets/b', { is_public: true }, 200],
  ])('of a %s has a limit, which is not that of uploads', async (method, path, value, status) => {
    const { as, bucket } = await createTestStorage({ maxBodyBytes: 100 });
    await bucket('b');
    const send = (body: BodyInit, who: string | undefined = 'admin') => {
      const headers = { 'Content-Type': 'application/json' };
      return as(who)(method, path, { body, headers, duplex: 'half' } as RequestInit);
    };
    expect(await refusal(await send(padded(value, 101)))).toBe('413 payload_too_large');
    expect(await refusal(await send(new Blob([padded(value, 101)]).stream()))).toBe('413 payload_too_large');
    expect(await refusal(await send(padded(value, 101), 'alice'))).toBe('403 forbidden');
    expect((await send(padded(value, 100))).status).toBe(status);
    expect((await as('alice')('PUT', '/object/b/a', { body: 'x'.repeat(101) })).status).toBe(200);
  });

  it('has one of a mebibyte where nobody says so', async () => {
    const { as } = await createTestStorage();
    const post = (slug: string, length: number) =>
      as('admin')('POST', '/buckets', {
        body: padded({ slug }, length),
        headers: { 'Content-Type': 'application/json', 'Content-Length': String(length) },
      });
    expect(await refusal(await post('a', 1_048_577))).toBe('413 payload_too_large');
    expect((await post('b', 1_048_576)).status).toBe(201);
  });
});
