/** What can be wrong: the names of the crate's errors, and two of this package. */
export type RansErrorCode =
  | "truncated"
  | "not-a-stream"
  | "trailing-data"
  | "corrupt"
  | "unsupported"
  | "limit-exceeded"
  | "invalid-option"
  | "output-too-small"
  | "content-length"
  | "finished"
  | "invalid-seek"
  | "unknown-model"
  | "needs-base"
  | "wrong-base"
  | "unread-base"
  | "worker-lost"
  /** The file or server behind a {@link RansFile} did not give what it was asked for. */
  | "source"
  /** The file behind a {@link RansFile} is not the one that was opened. */
  | "source-changed"
  | "other";

/** An error with the place it is at. All good bytes before it came out first. */
export class RansError extends Error {
  override readonly name = "RansError";
  /** What is wrong. */
  readonly code: RansErrorCode;
  /** Where: coded bytes from the start of the input. */
  readonly offset: number | undefined;
  /** In which block of its stream, from 0. */
  readonly block: number | undefined;

  constructor(code: RansErrorCode, message: string, place: { offset?: number | undefined; block?: number | undefined } = {}) {
    super(message);
    this.code = code;
    this.offset = place.offset;
    this.block = place.block;
  }
}
