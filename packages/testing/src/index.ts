export { adminConnectionString, createTestDatabase, type TestDatabase } from './test-database.js';
