/**
 * What is compared. `tcp` is the floor: no WebSocket, no framework, one write per message and member. `socket.io-redis`
 * and `socket.io-streams` are Socket.IO with each of its adapters for Redis; `bowline-alone` is a cluster of one node;
 * `bowline-before` is the server of another tree.
 */
export type ContenderName =
  | "bowline"
  | "bowline-alone"
  | "bowline-before"
  | "socket.io"
  | "socket.io-redis"
  | "socket.io-streams"
  | "ws"
  | "tcp";

/**
 * What a server does with a message: send it to every member of its one room, send it back to its sender alone, or send
 * it to every member of the sender's room, on whichever node of a cluster they are.
 */
export type Role = "fan-out" | "echo" | "cluster";

/**
 * One contender's server, in a process of its own. Resolves with the port it listens on, when nothing that is sent from
 * then on misses it. `brokerPort` is where the Redis of a cluster is.
 */
export type StartContender = (role: Role, brokerPort: number) => Promise<number>;
