import type { StreamType } from '../signals/listener.js';
import type { TagsInput } from '../tags.js';

/** What a caller can say about a stream at the tap; it wins over what is discovered on the stream. */
export interface StreamOptions {
  /** `Flux` by default. `Mono` promises at most one value and ends the flow at that value. */
  readonly type?: StreamType;
  /** Name of the stream; not empty. */
  readonly name?: string;
  /** Tags in addition to the discovered ones. */
  readonly tags?: TagsInput;
  /** How an error is named in tags; the default is {@link errorName}. Minified class names need one. */
  readonly exceptionName?: (error: unknown) => string;
  /** Hears of failures inside the instrumentation, which never reach the stream. The console by default. */
  readonly onInstrumentationError?: (failure: unknown) => void;
}
