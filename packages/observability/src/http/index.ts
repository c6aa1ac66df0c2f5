export { type AnswerHeaders, createAnswerHeaders } from './answer-headers.js';
export { assignCapability } from './assign-capability.js';
export { errorHandler } from './error-handler.js';
export { type HttpInstrumentation, instrumentHttp } from './instrument.js';
export { notFound } from './not-found.js';
export { type RequestContextOptions, requestContext } from './request-context.js';
