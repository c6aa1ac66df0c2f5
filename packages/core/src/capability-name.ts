/** Lower-case letters: `storage`. Also the `[section]` of Reactor.toml and the `capability` label of what it counts for. */
export type CapabilityName = string;

/** The `capability` label of everything that belongs to none. */
export const SERVER_LABEL = 'server';
