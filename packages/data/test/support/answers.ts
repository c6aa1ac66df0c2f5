import { expect } from 'vitest';
import { refusal, type TestData } from './data.js';

/** What a request says besides its method and path. */
export interface Sent {
  /** Text goes as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Response headers that matter, or `status`; the answer is then these and the body, as a list. */
  readonly show?: readonly string[];
}

/**
 * `GET /films?select=id` and what comes back: the JSON or text of the body, or of an error `<status> <code> <code>` as
 * `refusal` has it.
 */
export type Row = readonly [request: string, expected: unknown, sent?: Sent];

/** Sends the requests one after the other, as alice. Every failing row is shown, not just the first. */
export async function expectAnswers({ as }: TestData, rows: readonly Row[]): Promise<void> {
  const answers: Row[] = [];
  for (const [request, , sent] of rows) {
    const [method = '', ...path] = request.split(' ');
    const answer = await as('alice')(method, path.join(' '), requestInit(sent));
    const body = await bodyOf(answer.clone());
    const shown = sent?.show?.map((name) => (name === 'status' ? answer.status : answer.headers.get(name)));
    const received = shown === undefined ? body : [...shown, body];
    answers.push(sent === undefined ? [request, received] : [request, received, sent]);
  }
  expect(answers).toEqual(rows);
}

function requestInit({ body, headers }: Sent = {}): RequestInit {
  if (body === undefined) return { headers: { ...headers } };
  return typeof body === 'string'
    ? { body, headers: { ...headers } }
    : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } };
}

async function bodyOf(answer: Response): Promise<unknown> {
  const text = await answer.clone().text();
  if (text === '') return '';
  if (answer.status >= 300) return refusal(answer);
  return answer.headers.get('Content-Type')?.includes('json') ? JSON.parse(text) : text;
}

/** `[{ id: 1 }, { id: 2 }]` */
export const ids = (...numbers: readonly number[]) => numbers.map((id) => ({ id }));

/** A table of the tests whose only interest is which rows a filter leaves, by `id`. */
export const filtering = (table: string) => {
  return (filter: string, ...found: readonly number[]): Row => [
    `GET /${table}?select=id&order=id&${filter}`,
    ids(...found),
  ];
};
