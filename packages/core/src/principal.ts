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

/** The operator by the admin token, or what the operator has deployed. */
export interface SystemPrincipal {
  readonly kind: 'system';
  /**
   * Name of the function that calls by a token of its own. With rows, objects and other functions it may do what the
   * operator may; what sets the server up (buckets, deployments, migrations) is not its.
   */
  readonly function?: string;
}

/** Who calls: nobody known, a user, or the system. */
export type Principal = { readonly kind: 'anonymous' } | UserPrincipal | SystemPrincipal;
