/** What a server of these tests has mounted. */
export const CAPABILITIES = ['auth', 'data', 'storage', 'functions', 'jobs', 'sites'];
