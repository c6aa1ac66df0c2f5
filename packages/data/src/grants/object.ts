/** `role=PRIVILEGE`, as PostgreSQL names both; PUBLIC has no name: `=EXECUTE`. */
export type Privilege = string;

export type ObjectClass = 'relation' | 'sequence' | 'routine';

/** What `reactor_data.grants` says of an object. */
export interface GrantRecord {
  readonly class: ObjectClass;
  /** Oids are text: they only name something. */
  readonly oid: string;
  readonly anchor: string;
  readonly name: string;
  readonly origin: 'upgrade' | 'existing' | 'new';
  /** Nothing is given until an operator exposes it. */
  readonly withheld: boolean;
  /** What we gave and may take back. */
  readonly given: readonly Privilege[];
  /** What the app has given or taken itself; `*` for everything. */
  readonly untouched: readonly Privilege[];
  /** What we took and did not give back. */
  readonly taken: readonly Privilege[];
}

/** A table, view, sequence or routine of the schema `public`, as the catalog has it now. */
export interface GrantObject extends Pick<GrantRecord, 'class' | 'oid' | 'anchor' | 'name'> {
  /** Qualified and quoted: `public."To-do"`, `public.f(integer)`. */
  readonly target: string;
  readonly kind: string;
  /** Whether policies apply to every reader. */
  readonly protected: boolean;
  /** Whether the login may grant on it. */
  readonly grantable: boolean;
  /** Whether it may be locked against DDL: a table that the login may read. */
  readonly lockable: boolean;
  /** Granted by its owner on the whole of it. */
  readonly actual: readonly Privilege[];
  /** As `actual`, and what others granted, and on single columns. */
  readonly held: readonly Privilege[];
  /** Roles to which the app has given something, or from which it has taken something. */
  readonly said: readonly string[];
  /** Who needs it because of relations that they may read or write. */
  readonly needed: readonly Privilege[];
  /** Null for one not seen before. */
  readonly record: GrantRecord | null;
}

/** @returns the role, '' for PUBLIC, and the privilege */
export function splitPrivilege(privilege: Privilege): readonly [role: string, privilege: string] {
  const at = privilege.lastIndexOf('=');
  return [privilege.slice(0, at), privilege.slice(at + 1)];
}
