export { clockFrom, type ManualClock, manualClock } from './testing/clocks.js';
export {
  type ObservationRecorder,
  observationRecorder,
  type RecordedObservation,
} from './testing/observation-recorder.js';
