/** Statements kept on one connection. Each costs the server some 10 to 100 kB, so 20 connections stay below 200 MB. */
const CAPACITY = 100;

/** A column of an answer, and how its text becomes a value. */
export interface Column {
  readonly name: string;
  readonly read: (text: string) => unknown;
}

export interface PreparedStatement {
  readonly name: string;
  /** What it answers; none until it has. */
  columns: readonly Column[];
}

/** Gives names that no other statement has, or says that none may be used. */
export interface StatementNames {
  readonly allowsNames: boolean;
  newName(): string;
}

/** What one connection has prepared. Names are never used again, so that a lost one cannot be mistaken for another. */
export class PreparedStatements {
  readonly #names: StatementNames;
  /** By key, the least recently used first. */
  readonly #statements = new Map<string, PreparedStatement>();
  #unwanted: string[] = [];

  constructor(names: StatementNames) {
    this.#names = names;
  }

  /** Whether statements are kept at all. */
  get keeps(): boolean {
    return this.#names.allowsNames;
  }

  /** What is prepared as `key`, if anything is. */
  find(key: string): PreparedStatement | undefined {
    const statement = this.#statements.get(key);
    if (statement === undefined) return undefined;
    this.#statements.delete(key);
    this.#statements.set(key, statement);
    return statement;
  }

  newName(): string {
    return this.#names.newName();
  }

  add(key: string, statement: PreparedStatement): void {
    this.#statements.set(key, statement);
    const [oldest] = this.#statements;
    if (this.#statements.size <= CAPACITY || oldest === undefined) return;
    this.#statements.delete(oldest[0]);
    this.#unwanted.push(oldest[1].name);
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
    this.#statements.clear();
  }
}
