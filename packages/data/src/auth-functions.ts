/** Functions of the schema `auth` that say who calls: the same for all rows of a statement. */
export const CALLER_FUNCTIONS = [
  'jwt',
  'user_id',
  'org_id',
  'role',
  'email',
  'session_id',
  'is_authenticated',
  'in_org',
  'has_permission',
] as const;
