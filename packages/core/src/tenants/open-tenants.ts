import type { Context, MiddlewareHandler } from 'hono';
import { settledBefore } from '../aborted.js';
import { withDeadline } from '../deadline.js';
import { coreErrors } from '../errors.js';
import type { ReactorEnv } from '../http/env.js';
import { whenAnswered } from '../http/when-answered.js';
import { type Clock, systemClock } from '../ports/clock.js';
import type { Tenant } from './tenant.js';
import type { TenantFollower, Tenants } from './tenants.js';

/** How a server gets the ports of a tenant, and gives them back. */
export interface TenantSource<Ports> {
  /** @throws ReactorError for an id that no tenant has, or one that cannot be served now */
  open(id: string): Promise<Ports>;
  /** Called once nothing uses them. */
  close(ports: Ports, deadline: AbortSignal): Promise<void>;
}

interface Entry<Ports> {
  readonly tenant: Tenant<Ports>;
  /** Requests, streams and loops at work on it. */
  uses: number;
  /** Monotonic milliseconds at which the last of them ended. */
  idleSince: number;
  /** Resolves when `uses` falls to 0; set by the code that waits to close it. */
  whenUnused?: () => void;
}

/** Time to close what nobody uses any more. Milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000;
/** How long a request waits for a tenant that is being closed: a stream may use it for hours. Milliseconds. */
const MAX_WAIT_MS = 5_000;

/**
 * The tenants that a server has open. Each opens with its first request, for which others wait, and closes when it is
 * dropped, as soon as nothing uses it any more.
 */
export class OpenTenants<Ports> implements Tenants<Ports> {
  readonly #source: TenantSource<Ports>;
  readonly #clock: Clock;
  readonly #followers: TenantFollower<Ports>[] = [];
  readonly #entries = new Map<string, Entry<Ports>>();
  readonly #opening = new Map<string, Promise<Entry<Ports>>>();
  readonly #closing = new Map<string, Promise<void>>();
  #closed = false;

  constructor(source: TenantSource<Ports>, clock: Clock = systemClock) {
    this.#source = source;
    this.#clock = clock;
  }

  /**
   * Middleware, before every route of a capability: determines whose request it is, and keeps the tenant open until the
   * answer has been sent.
   * @param idOf throws a ReactorError for a request that names no tenant
   */
  middleware(idOf: (context: Context<ReactorEnv>) => string): MiddlewareHandler<ReactorEnv> {
    return async (c, next) => {
      let release = () => {};
      const work = async () => {
        const entry = await this.#use(idOf(c));
        release = once(() => this.#release(entry));
        c.set('tenant', entry.tenant);
        await next();
      };
      // From before the tenant opens: its client may leave meanwhile.
      await whenAnswered(c, work, () => release());
    };
  }

  of(context: Context<ReactorEnv>): Tenant<Ports> {
    const tenant = context.get('tenant');
    if (tenant === undefined) throw new Error('no middleware has determined whose request this is');
    return tenant as Tenant<Ports>;
  }

  *each(): Iterable<Tenant<Ports>> {
    for (const entry of [...this.#entries.values()]) {
      // It may have been dropped while another was worked on.
      if (this.#entries.get(entry.tenant.id) !== entry) continue;
      entry.uses += 1;
      try {
        yield entry.tenant;
      } finally {
        this.#release(entry);
      }
    }
  }

  map<R>(work: (tenant: Tenant<Ports>) => Promise<R>): Promise<R[]> {
    return Promise.all(
      Array.from(this.#entries.values(), async (entry) => {
        entry.uses += 1;
        try {
          return await work(entry.tenant);
        } finally {
          this.#release(entry);
        }
      }),
    );
  }

  follow(follower: TenantFollower<Ports>): void {
    if (this.#entries.size > 0 || this.#opening.size > 0) throw new Error('a capability comes before the first tenant');
    this.#followers.push(follower);
  }

  /**
   * Closes the tenant as soon as nothing uses it. A request that comes from now on opens it again, once it is closed.
   * @param deadline when it aborts, what still uses the tenant is no longer waited for
   * @throws what a capability or the source threw while they closed it
   */
  async drop(id: string, deadline?: AbortSignal): Promise<void> {
    // At once where nothing opens: who asks afterwards must not get the tenant that goes.
    const opening = this.#opening.get(id);
    if (opening !== undefined) await opening.catch(() => {});
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#closing.get(id);
    this.#entries.delete(id);
    const closing = this.#close(entry, deadline).finally(() => this.#closing.delete(id));
    this.#closing.set(id, closing);
    return closing;
  }

  /** Drops those that nothing has used for `idleMs`. */
  async dropIdle(idleMs: number): Promise<void> {
    const now = this.#clock.monotonic();
    const idle = [...this.#entries.values()].filter(({ uses, idleSince }) => uses === 0 && now - idleSince >= idleMs);
    await Promise.all(idle.map(({ tenant }) => this.drop(tenant.id)));
  }

  /** Drops all; none opens any more. @throws AggregateError with what closing them threw */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closed = true;
    const ids = new Set([...this.#opening.keys(), ...this.#entries.keys(), ...this.#closing.keys()]);
    await allOrThrow(Array.from(ids, (id) => this.drop(id, deadline)));
  }

  async #use(id: string): Promise<Entry<Ports>> {
    for (;;) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) {
        entry.uses += 1;
        return entry;
      }
      let opening = this.#opening.get(id);
      if (opening === undefined) {
        opening = this.#open(id).finally(() => this.#opening.delete(id));
        this.#opening.set(id, opening);
      }
      await opening;
    }
  }

  async #open(id: string): Promise<Entry<Ports>> {
    // Two openings of one tenant would share its folders and its locks. What closing it throws, hears who dropped it.
    const closing = this.#closing.get(id)?.catch(() => {});
    if (closing !== undefined) await withDeadline(MAX_WAIT_MS, () => closing).catch(refuse);
    if (this.#closed) refuse();
    const ports = await this.#source.open(id);
    const tenant: Tenant<Ports> = { id, ports };
    const told: TenantFollower<Ports>[] = [];
    try {
      for (const follower of this.#followers) {
        told.push(follower);
        await follower.opened(tenant);
      }
    } catch (error) {
      await this.#tellClosed(tenant, told, AbortSignal.timeout(CLOSE_TIMEOUT_MS));
      throw error;
    }
    const entry = { tenant, uses: 0, idleSince: this.#clock.monotonic() };
    this.#entries.set(id, entry);
    return entry;
  }

  async #close(entry: Entry<Ports>, deadline: AbortSignal | undefined): Promise<void> {
    if (entry.uses > 0) {
      const unused = new Promise<void>((resolve) => {
        entry.whenUnused = resolve;
      });
      await (deadline === undefined ? unused : settledBefore(unused, deadline));
    }
    await this.#tellClosed(entry.tenant, this.#followers, deadline ?? AbortSignal.timeout(CLOSE_TIMEOUT_MS));
  }

  async #tellClosed(
    tenant: Tenant<Ports>,
    followers: readonly TenantFollower<Ports>[],
    deadline: AbortSignal,
  ): Promise<void> {
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    for (const follower of followers.toReversed()) await follower.closed(tenant, deadline).catch(note);
    await this.#source.close(tenant.ports, deadline).catch(note);
    if (errors.length > 0) throw new AggregateError(errors, `tenant ${tenant.id} was not closed in order`);
  }

  #release(entry: Entry<Ports>): void {
    entry.uses -= 1;
    if (entry.uses > 0) return;
    entry.idleSince = this.#clock.monotonic();
    entry.whenUnused?.();
  }
}

function refuse(): never {
  throw coreErrors.create.not_ready('This tenant is being closed; try again.', { headers: { 'Retry-After': '1' } });
}

/** Waits for all, whatever becomes of each. */
async function allOrThrow(work: readonly Promise<void>[]): Promise<void> {
  const errors = (await Promise.allSettled(work)).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, 'tenants were not closed in order');
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
