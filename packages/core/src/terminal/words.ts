/** What people call the capabilities, and what the server does: the word → the name. */
export const CAPABILITY_WORDS: Readonly<Record<string, string>> = {
  auth: 'auth',
  data: 'data',
  storage: 'storage',
  functions: 'functions',
  function: 'functions',
  func: 'functions',
  fn: 'functions',
  jobs: 'jobs',
  job: 'jobs',
  sites: 'sites',
  site: 'sites',
  server: 'server',
  system: 'server',
};

/** Each name once, in the order in which people are told of them. */
export const CAPABILITY_NAMES: readonly string[] = [...new Set(Object.values(CAPABILITY_WORDS))];
