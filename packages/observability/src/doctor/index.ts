export { renderDoctorReport } from './render.js';
export {
  type CapabilityDiagnosis,
  type DiagnosisStatus,
  type DoctorCheck,
  type DoctorReport,
  hasFailure,
} from './report.js';
export { doctorRoutes } from './routes.js';
export { type DoctorOptions, type DoctorSubject, runDoctor } from './run.js';
