import { defineErrors } from '@reactor/core';

/** Codes that the HTTP layer itself answers, besides those of core. */
export const httpErrors = defineErrors({
  conflict: { status: 409, when: 'A constraint of the database refuses the change.' },
  busy: { status: 503, when: 'The database gave up on the work because of other work; trying again may succeed.' },
});
