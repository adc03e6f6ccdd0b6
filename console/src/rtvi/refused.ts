/** A request that the bot refused, or that could not be made. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly code = "",
    readonly details: unknown = undefined,
  ) {
    super(message);
  }
}

/** Errors of the client are Errors; refusals of the bot are whole RTVI messages. */
export function asRefused(reason: unknown): Refused {
  if (reason instanceof Refused) return reason;
  if (reason instanceof Error) return new Refused(reason.message || "The request failed", "failed");
  const { data } = (reason ?? {}) as { data?: { error?: string; code?: string; details?: unknown } };
  return new Refused(data?.error ?? "The bot refused", data?.code ?? "", data?.details);
}
