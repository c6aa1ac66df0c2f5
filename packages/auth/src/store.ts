import type { Database } from '@reactor/core';

/** A user as the routes show it. */
export interface StoredUser {
  readonly id: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly disabled: boolean;
}

/** A user, and what they are in the organization that a session acts for. */
export interface Member {
  readonly user: StoredUser;
  /** Undefined for a user who is not a member, and where the session acts for no organization. */
  readonly role: string | undefined;
}

/** What a session starts with. */
export interface SessionStart extends Member {
  /** The organization of a user who has exactly one. */
  readonly onlyOrganizationId: string | null;
}

/** Of `reactor_auth.users u`, under the names of `StoredUser`. */
const USER_COLUMNS = `u.id, u.email, u.email_verified AS "emailVerified", u.metadata, u.created_at AS "createdAt",
  u.disabled_at IS NOT NULL AS disabled`;

/** The SQL that better-auth does not do for us. Every method rejects as `Database` does. */
export class AuthStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async findUser(id: string): Promise<StoredUser | undefined> {
    const { rows } = await this.#database.query<StoredUser>(
      `SELECT ${USER_COLUMNS} FROM reactor_auth.users u WHERE u.id = $1`,
      [id],
    );
    return rows[0];
  }

  /** @param organizationId null for none */
  async findMember(userId: string, organizationId: string | null): Promise<Member | undefined> {
    const { rows } = await this.#database.query<StoredUser & { role: string | null }>(
      `SELECT ${USER_COLUMNS}, m.role FROM reactor_auth.users u
         LEFT JOIN reactor_auth.members m ON m.user_id = u.id AND m.organization_id = $2 WHERE u.id = $1`,
      [userId, organizationId],
    );
    if (rows[0] === undefined) return undefined;
    const { role, ...user } = rows[0];
    return { user, role: role ?? undefined };
  }

  async sessionStart(userId: string): Promise<SessionStart | undefined> {
    const { rows } = await this.#database.query<StoredUser & { organizations: string[]; roles: string[] }>(
      `SELECT ${USER_COLUMNS}, m.organizations, m.roles FROM reactor_auth.users u,
         LATERAL (SELECT coalesce(array_agg(organization_id::text), '{}') AS organizations,
                         coalesce(array_agg(role), '{}') AS roles
                    FROM (SELECT organization_id, role FROM reactor_auth.members WHERE user_id = u.id LIMIT 2) AS two) m
        WHERE u.id = $1`,
      [userId],
    );
    if (rows[0] === undefined) return undefined;
    const { organizations, roles, ...user } = rows[0];
    const [only, ...others] = organizations;
    return only === undefined || others.length > 0
      ? { user, role: undefined, onlyOrganizationId: null }
      : { user, role: roles[0], onlyOrganizationId: only };
  }

  /** Ends one session; an unknown one is not an error. */
  async endSession(by: { readonly id: string } | { readonly token: string }): Promise<void> {
    const [column, value] = 'id' in by ? ['id', by.id] : ['token', by.token];
    await this.#database.query(`DELETE FROM reactor_auth.sessions WHERE ${column} = $1`, [value]);
  }

  /** Sessions that have not expired: all there are, which triggers count, without those that the next sweep removes. */
  async countActiveSessions(now: Date): Promise<number> {
    const { rows } = await this.#database.query<{ sessions: string }>(
      `SELECT (SELECT sum(sessions) FROM reactor_auth.session_counts)
         - (SELECT count(*) FROM reactor_auth.sessions WHERE expires_at <= $1) AS sessions`,
      [now],
    );
    return Number(rows[0]?.sessions ?? 0);
  }

  /** When the key that signs now was made; undefined while there is none. */
  async signingKeyCreatedAt(now: Date): Promise<Date | undefined> {
    const { rows } = await this.#database.query<{ createdAt: Date | null }>(
      `SELECT max(created_at) AS "createdAt" FROM reactor_auth.signing_keys
        WHERE expires_at IS NULL OR expires_at > $1`,
      [now],
    );
    return rows[0]?.createdAt ?? undefined;
  }

  /** Removes sessions and verification values whose time is over. Returns how many rows went. */
  async deleteExpired(now: Date): Promise<number> {
    const sessions = await this.#database.query('DELETE FROM reactor_auth.sessions WHERE expires_at <= $1', [now]);
    const values = await this.#database.query('DELETE FROM reactor_auth.verifications WHERE expires_at <= $1', [now]);
    return sessions.rowCount + values.rowCount;
  }
}
