import type { Result, Router } from 'hono/router';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { SmartRouter } from 'hono/router/smart-router';
import { TrieRouter } from 'hono/router/trie-router';

/**
 * A router for each mount point and one for the rest. Hono's fastest router takes no pattern beside another that may mean
 * the same (`/:table` and `/rpc/:function`), and then the slow one serves every path: so that of one capability does not
 * decide for the others.
 */
export class RouterByMount<T> implements Router<T> {
  readonly name = 'RouterByMount';
  readonly #mounts: readonly { readonly prefix: string; readonly router: Router<T> }[];
  readonly #rest: Router<T> = smartRouter();

  /** @param basePaths none inside of another */
  constructor(basePaths: readonly string[]) {
    this.#mounts = basePaths.map((basePath) => ({ prefix: `${basePath}/`, router: smartRouter() }));
  }

  add(method: string, path: string, handler: T): void {
    const mount = this.#mounts.find(({ prefix }) => isBelow(path, prefix));
    if (mount !== undefined) {
      mount.router.add(method, path, handler);
      return;
    }
    this.#rest.add(method, path, handler);
    // One that begins with a wildcard or a parameter may mean paths below any mount point.
    if (/^\/?[*:]/.test(path)) for (const { router } of this.#mounts) router.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    for (const { prefix, router } of this.#mounts) if (isBelow(path, prefix)) return router.match(method, path);
    return this.#rest.match(method, path);
  }
}

/** @param prefix of a mount point, with the slash at its end */
function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) || (path.length === prefix.length - 1 && prefix.startsWith(path));
}

function smartRouter<T>(): Router<T> {
  return new SmartRouter({ routers: [new RegExpRouter(), new TrieRouter()] });
}
