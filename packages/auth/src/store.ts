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

/** What a session starts with. */
export interface SessionStart {
  readonly disabled: boolean;
  /** The organization of a user who has exactly one. */
  readonly onlyOrganizationId: string | null;
}

/** The SQL that better-auth does not do for us. Every method rejects as `Database` does. */
export class AuthStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async findUser(id: string): Promise<StoredUser | undefined> {
    const { rows } = await this.#database.query<StoredUser>(
      `SELECT id, email, email_verified AS "emailVerified", metadata, created_at AS "createdAt",
              disabled_at IS NOT NULL AS disabled
         FROM reactor_auth.users WHERE id = $1`,
      [id],
    );
    return rows[0];
  }

  /** The member's role in the organization, undefined for who is no member. */
  async findRole(userId: string, organizationId: string): Promise<string | undefined> {
    const { rows } = await this.#database.query<{ role: string }>(
      'SELECT role FROM reactor_auth.members WHERE user_id = $1 AND organization_id = $2',
      [userId, organizationId],
    );
    return rows[0]?.role;
  }

  async sessionStart(userId: string): Promise<SessionStart> {
    const { rows } = await this.#database.query<{ disabled: boolean; organizations: string[] }>(
      `SELECT disabled_at IS NOT NULL AS disabled,
              ARRAY(SELECT organization_id::text FROM reactor_auth.members WHERE user_id = users.id LIMIT 2) AS organizations
         FROM reactor_auth.users WHERE id = $1`,
      [userId],
    );
    const { disabled = false, organizations = [] } = rows[0] ?? {};
    return { disabled, onlyOrganizationId: organizations.length === 1 ? (organizations[0] ?? null) : null };
  }

  /** Ends one session; an unknown one is no error. */
  async endSession(by: { readonly id: string } | { readonly token: string }): Promise<void> {
    const [column, value] = 'id' in by ? ['id', by.id] : ['token', by.token];
    await this.#database.query(`DELETE FROM reactor_auth.sessions WHERE ${column} = $1`, [value]);
  }

  async countActiveSessions(now: Date): Promise<number> {
    const { rows } = await this.#database.query<{ sessions: number }>(
      'SELECT count(*)::int AS sessions FROM reactor_auth.sessions WHERE expires_at > $1',
      [now],
    );
    return rows[0]?.sessions ?? 0;
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
