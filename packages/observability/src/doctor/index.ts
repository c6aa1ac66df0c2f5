export { renderDoctorReport } from './render.js';
export type { CapabilityDiagnosis, DiagnosisStatus, DoctorCheck, DoctorReport } from './report.js';
export { doctorRoutes } from './routes.js';
export { type DoctorOptions, type DoctorSubject, runDoctor } from './run.js';
