export { type AnswerHeaders, createAnswerHeaders } from './answer-headers.js';
export { observedRequest } from './answer-watch.js';
export { errorHandler, noteError } from './error-handler.js';
export {
  type CorsPolicy,
  type Fetch,
  type HttpInstrumentation,
  type InstrumentOptions,
  instrumentHttp,
  type ObserveOptions,
} from './instrument.js';
export { notFound } from './not-found.js';
export type { ObservedRequest } from './observed-request.js';
