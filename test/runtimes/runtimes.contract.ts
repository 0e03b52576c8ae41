import { contract, request } from "bowline";
import * as z from "zod";

/** What a client can ask to be done to its line. */
export const runtimes = contract({
  requests: {
    /** Breaks all lines. */
    cut: request({ input: z.null(), output: z.null() }),
    /** Nothing goes through any more, and nothing is closed. */
    freeze: request({ input: z.null(), output: z.null() }),
  },
});
