/** A signed-in user. */
export interface UserPrincipal {
  readonly kind: 'user';
  /** Bare UUID, the `sub` claim. */
  readonly id: string;
  readonly email?: string;
  /** The organization the token acts for. */
  readonly orgId?: string;
  /** The user's role in `orgId`: `owner`, `admin` or `member`. */
  readonly orgRole?: string;
  /** All verified claims of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Who calls: nobody known, a user, or the operator by the admin token. */
export type Principal = { readonly kind: 'anonymous' } | UserPrincipal | { readonly kind: 'system' };
