/** One customer of a server that serves several, each with a database and blobs of its own. */
export interface Tenant<Ports = unknown> {
  /** Unique, and safe in a log line. */
  readonly id: string;
  readonly ports: Ports;
}
