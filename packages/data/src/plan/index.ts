export { type CallPlan, planCall } from './call.js';
export { planDelete, planUpdate } from './change.js';
export { argumentNames, type CallInput, type WholeBody } from './function.js';
export { planInsert, planPut } from './insert.js';
export { planRead } from './read.js';
export type * from './statement.js';
