/** Statements kept on one connection. Each costs the server some 10 to 100 kB, so 20 connections stay below 200 MB. */
const CAPACITY = 100;

/** What one connection has prepared. Names are never used again, so that a lost one cannot be mistaken for another. */
export class PreparedStatements {
  /** Key to name, the least recently used first. */
  readonly #names = new Map<string, string>();
  #unwanted: string[] = [];
  #sequence = 0;

  /** The name under which `key` is prepared; undefined when it is not. */
  find(key: string): string | undefined {
    const name = this.#names.get(key);
    if (name === undefined) return undefined;
    this.#names.delete(key);
    this.#names.set(key, name);
    return name;
  }

  newName(): string {
    this.#sequence += 1;
    return `reactor_${this.#sequence}`;
  }

  add(key: string, name: string): void {
    this.#names.set(key, name);
    const [oldest] = this.#names;
    if (this.#names.size <= CAPACITY || oldest === undefined) return;
    this.#names.delete(oldest[0]);
    this.#unwanted.push(oldest[1]);
  }

  /** Names to close with the next pipeline: given up, or perhaps prepared by one that failed. */
  discard(names: readonly string[]): void {
    this.#unwanted.push(...names);
  }

  takeUnwanted(): readonly string[] {
    const names = this.#unwanted;
    this.#unwanted = [];
    return names;
  }

  /** The server has forgotten them. */
  clear(): void {
    this.#names.clear();
  }
}
