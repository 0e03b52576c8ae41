import { Emitter } from "../base/emitter.ts";
import { isThrown } from "../base/thrown.ts";
import { BrokerFailure } from "./guarded-broker.ts";
import type { Logging } from "./logging/logging.ts";
import type { ErrorInfo, Report } from "./refusal.ts";

/** The application's option `onError`. */
export type OnError = (error: unknown, info: ErrorInfo) => void;

/** Takes faults to `onError` where there is one, and to the logger otherwise. */
export function faultReport(onError: OnError | null, logging: Logging, node: string): Report {
  const faults = new Emitter<{ readonly error: unknown; readonly info: ErrorInfo }>((error) =>
    logging.onErrorFailed(error),
  );
  faults.on(({ error, info }) => (onError ? onError(error, info) : logging.fault(error, info)));
  return (error, stage, about) =>
    faults.emit({
      error: isThrown(error, BrokerFailure) ? error.cause : error,
      info: { stage, node, ...about },
    });
}
