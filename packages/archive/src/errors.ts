import { defineErrors } from '@reactor/core';

/** What reading an archive throws about the archive itself. */
export const archiveErrors = defineErrors({
  archive_invalid: {
    status: 400,
    when: 'The archive is damaged or cut, or holds what is not accepted, such as a link or a path out of its root; the message names the entry.',
  },
  archive_too_large: {
    status: 413,
    when: 'The archive exceeds a limit: its own bytes, those it unpacks to, their ratio, or the number, length or depth of its paths.',
  },
});
