import type { ReactorEnv } from '@reactor/core';
import type { ErrorHandler } from 'hono';

/** For `app.onError`: answers every error with the one envelope. */
export const errorHandler: ErrorHandler<ReactorEnv> = () => {
  throw new Error('not built yet');
};
