/** Under this name the global setup tells the tests where the server is. */
export const DATABASE_URL_KEY = 'reactorTestDatabaseUrl';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of a login that may create databases; set by the global setup. */
    reactorTestDatabaseUrl: string;
  }
}
