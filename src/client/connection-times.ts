/** How long a token, a socket, a welcome or the reason of a refusal may take. */
export const handshakeTimeoutMs = 15_000;

/** How long a connection must have been open for the next wait to start from the beginning. */
export const stableMs = 10_000;

/** How long the other end may be silent beyond two heartbeats: what a busy machine and a slow line add. */
export const heartbeatSlackMs = 5000;

/** How long a connection that may be dead after a sleep has to prove that it is not. */
export const probeMs = 5000;
