/** Configuration that cannot be used; `problems` name key paths and what is accepted there. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}
