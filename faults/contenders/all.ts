import type { Contender, ContenderName } from "./contender.ts";

// Imported one by one: a server must not carry the other contender's code.
const load: Record<ContenderName, () => Promise<Contender>> = {
  bowline: async () => (await import("./bowline.ts")).bowline,
  "socket.io": async () => (await import("./socket-io.ts")).socketIo,
};

/** The contender of that name. */
export function contenderNamed(name: ContenderName): Promise<Contender> {
  return load[name]();
}
