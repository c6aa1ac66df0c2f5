export type { ConformanceSubject } from './conformance/checks.js';
export { describeConformance } from './conformance/describe.js';
export { everyMetricMoves, type Mover } from './every-metric-moves.js';
export { Exposition, type FamilyType, type ParsedFamily, type ParsedSample } from './exposition/exposition.js';
export { ExpositionError, parseExposition } from './exposition/parse.js';
export { listen } from './listen.js';
export { expectNothingLeft } from './open-resources.js';
export { adminConnectionString, createTestDatabase, type TestDatabase } from './test-database.js';
