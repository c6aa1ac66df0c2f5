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
