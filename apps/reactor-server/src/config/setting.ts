/** A value as it was found, and where. */
export interface Setting {
  /** `['server', 'bind']` */
  readonly path: readonly string[];
  readonly value: unknown;
  /** For people: `Reactor.toml`, `environment REACTOR_SERVER__BIND`, `flag --bind`. */
  readonly origin: string;
  /** Text from outside TOML has no types: it may become a number, boolean or list where the key wants one. */
  readonly untyped: boolean;
}
