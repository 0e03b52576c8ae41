/** What is compared. `tcp` is the floor: no WebSocket, no framework, one write per message and member. */
export const contenderNames = ["bowline", "socket.io", "ws", "tcp"] as const;

export type ContenderName = (typeof contenderNames)[number];

/** What a server does with a message: send it to every member of one room, or back to its sender alone. */
export type Role = "fan-out" | "echo";

/** One contender's server, in a process of its own. Resolves with the port it listens on. */
export type StartContender = (role: Role) => Promise<number>;
