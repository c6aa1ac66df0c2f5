import type { Logger } from '@reactor/core';

/** What PostgreSQL puts before each line: nothing but what we parse. */
export const LOG_LINE_PREFIX = '%q[%b] ';

const LINE = /^(?:\[(?<backend>[^\]]*)\] )?(?<severity>[A-Z]+\d?): {1,2}(?<message>.*)$/;
/** Lines kept to explain a failed start. */
const LAST_WORDS = 5;

/**
 * Reads PostgreSQL's standard error. Statements and row values are not among it (see SERVER_SETTINGS), so its lines may
 * go to our log.
 */
export class ServerLog {
  readonly #logger: Logger;
  readonly #onReady: () => void;
  #lastWords: string[] = [];

  constructor(logger: Logger, onReady: () => void) {
    this.#logger = logger;
    this.#onReady = onReady;
  }

  /** The latest lines by which PostgreSQL said that it cannot go on, joined. */
  get lastWords(): string {
    return this.#lastWords.join(' ');
  }

  read(line: string): void {
    if (line.trim() === '') return;
    const { severity = '', message = line } = LINE.exec(line)?.groups ?? {};
    if (message.startsWith('database system is ready to accept connections')) this.#onReady();
    switch (severity) {
      case 'PANIC':
        this.#remember(message);
        this.#logger.error('postgres: panic', { detail: message });
        break;
      case 'FATAL':
        this.#remember(message);
        this.#logger.warn('postgres: fatal', { detail: message });
        break;
      case 'WARNING':
        this.#logger.warn('postgres: warning', { detail: message });
        break;
      case '':
        // Words from before its log is set up: the loader, the shell, an option it does not know.
        this.#remember(message);
        this.#logger.debug('postgres', { detail: message });
        break;
      default:
        // The FATAL that follows says only that the file has errors.
        if (/\.conf\b/.test(message)) this.#remember(message);
        this.#logger.debug('postgres', { severity, detail: message });
    }
  }

  #remember(message: string): void {
    this.#lastWords = [...this.#lastWords, message].slice(-LAST_WORDS);
  }
}
