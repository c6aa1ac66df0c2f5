export { doctorRoutes } from './routes.js';
export { type DoctorOptions, type DoctorSubject, runDoctor } from './run.js';
