/**
 * Thrown by a handler that knows when it should be asked again (Retry-After). It sets the time of the next attempt, not how
 * many there are: that stays with the queue's retry policy.
 */
export class Retry extends Error {
  override readonly name = "Retry";
  readonly run: Date;

  constructor(run: Date, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.run = run;
  }
}

/** Thrown by a handler that knows that no further attempt can succeed: the job is a dead letter at once. */
export class Discard extends Error {
  override readonly name = "Discard";
}
