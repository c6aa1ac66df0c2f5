/**
 * The SQLSTATEs that code asks for, by PostgreSQL's names of them:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const SQLSTATE = {
  protocolViolation: '08P01',
  featureNotSupported: '0A000',
  divisionByZero: '22012',
  restrictViolation: '23001',
  foreignKeyViolation: '23503',
  uniqueViolation: '23505',
  exclusionViolation: '23P01',
  activeSqlTransaction: '25001',
  readOnlySqlTransaction: '25006',
  invalidSqlStatementName: '26000',
  invalidCatalogName: '3D000',
  invalidSchemaName: '3F000',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  insufficientPrivilege: '42501',
  syntaxError: '42601',
  undefinedColumn: '42703',
  undefinedObject: '42704',
  datatypeMismatch: '42804',
  undefinedFunction: '42883',
  undefinedTable: '42P01',
  duplicatePreparedStatement: '42P05',
  invalidColumnReference: '42P10',
  invalidObjectDefinition: '42P17',
  programLimitExceeded: '54000',
  objectNotInPrerequisiteState: '55000',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  internalError: 'XX000',
} as const;

/** An error as PostgreSQL reports it. */
export interface SqlError extends Error {
  /** SQLSTATE. */
  readonly code: string;
  /** `ERROR`, or `FATAL` when the connection ends with it; translated by `lc_messages`. */
  readonly severity: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Of the fault in the statement, characters from 1. */
  readonly position?: string;
  /** Name of the constraint that is broken. */
  readonly constraint?: string;
  /** Name of the function in PostgreSQL's source. */
  readonly routine?: string;
  /** What PostgreSQL was at: the function of the app, or the parameter. */
  readonly where?: string;
}

/** Whether a function of the app raised it by RAISE, and chose its SQLSTATE: then that tells nothing of PostgreSQL. */
export function isRaised({ routine }: { readonly routine?: string | undefined }): boolean {
  return routine === 'exec_stmt_raise';
}

/** Whether PostgreSQL says so. Node's own codes (`EPIPE`) look like a SQLSTATE, but have no severity. */
export function isSqlError(error: unknown): error is SqlError {
  if (!(error instanceof Error)) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && typeof severity === 'string';
}
