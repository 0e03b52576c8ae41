/**
 * A client written from spec/PROTOCOL.md alone, without a line of Bowline's: the fault run drives it by JSON lines. With
 * SABOTAGE=no-positions it comes back without saying how far it has read.
 */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";

const sabotage = process.env.SABOTAGE;
const secret = randomBytes(18).toString("base64url");
const rooms = new Map();
/** Publishes without an answer, by their refs, which rise. */
const waiting = new Map();
let generation = 0;
let ref = 0;
let ledger = null;
let url = "";
/** The socket that was welcomed; null while there is none. */
let welcomed = null;

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const commands = {
  connect(command) {
    url = command.url;
    dial();
  },
  join({ room, presence }) {
    rooms.set(room, { presence, position: null, head: 0, members: new Map() });
    if (welcomed) send(welcomed, { type: "join", ...joinOf(room) });
  },
  publish({ id, room, event, payload }) {
    ref += 1;
    waiting.set(ref, { id, room, event, payload, wasSent: false });
    if (welcomed) sendPublish(ref);
  },
};

/** What each frame does. */
const frames = {
  welcome(frame, socket) {
    if (ledger !== null && ledger !== frame.ledger)
      for (const [waitingRef, { wasSent }] of waiting)
        if (wasSent) settle(waitingRef, { outcome: "refused", code: "UNCERTAIN" });
    ledger = frame.ledger;
    ref = Math.max(ref, frame.ref);
    welcomed = socket;
    socket.heartbeatMs = frame.heartbeatMs;
    for (const waitingRef of waiting.keys()) sendPublish(waitingRef);
  },
  joined({ room: name, position, head, members = [] }) {
    const room = rooms.get(name);
    Object.assign(room, { position, head, members: new Map(members.map((it) => [it.session, it])) });
    tell({ tell: "joined", room: name, position });
    tellMembers(name);
  },
  event({ room: name, offset, payload }) {
    const room = rooms.get(name);
    room.position = { ...room.position, offset };
    tell({ tell: "event", room: name, position: room.position, replayed: offset <= room.head, payload });
  },
  gap({ room: name, position, head, reason }) {
    Object.assign(rooms.get(name), { position, head });
    tell({ tell: "gap", room: name, reason, position });
  },
  presence({ room: name, members, set = [], gone = [] }) {
    const room = rooms.get(name);
    if (members) room.members = new Map(members.map((it) => [it.session, it]));
    for (const member of set) room.members.set(member.session, member);
    for (const session of gone) room.members.delete(session);
    tellMembers(name);
  },
  ack: ({ ref: answered, position }) => settle(answered, { outcome: "acked", position }),
  error({ ref: answered, code, message }) {
    if (answered === undefined) throw new Error(`a join was refused: ${code}, ${message}`);
    // The node goes, or has lost its broker: it is sent again over the next connection.
    if (code !== "DRAINING" && code !== "UNAVAILABLE") settle(answered, { outcome: "refused", code });
  },
  ping: (_frame, socket) => send(socket, { type: "pong" }),
  goaway({ delayMs }, socket) {
    welcomed = null;
    setTimeout(() => socket.close(1000), delayMs);
  },
  degraded() {},
  pong() {},
};

function dial() {
  const socket = new WebSocket(url, ["bowline.v1.json"]);
  let lastMs = Date.now();
  const watch = setInterval(() => {
    if (Date.now() - lastMs > 2 * (socket.heartbeatMs ?? 5000) + 2000) socket.terminate();
  }, 500);
  socket.on("open", () => {
    generation += 1;
    send(socket, { type: "hello", secret, generation, rooms: [...rooms.keys()].map(joinOf) });
  });
  socket.on("message", (data) => {
    lastMs = Date.now();
    const frame = JSON.parse(data);
    frames[frame.type](frame, socket);
  });
  socket.on("error", () => {});
  socket.on("close", (code) => {
    clearInterval(watch);
    if (welcomed === socket) welcomed = null;
    if (code >= 4400 && code < 4500) throw new Error(`the server closed with ${code}, which means: stop`);
    setTimeout(dial, 100 + Math.random() * 1000);
  });
}

function joinOf(room) {
  const { presence, position } = rooms.get(room);
  return {
    room,
    ...(position && sabotage !== "no-positions" && { position }),
    ...(presence && { presence }),
  };
}

function sendPublish(waitingRef) {
  const call = waiting.get(waitingRef);
  const { room, event, payload, wasSent } = call;
  call.wasSent = true;
  send(welcomed, { type: "publish", ref: waitingRef, room, event, payload, ...(wasSent && { retry: true }) });
}

function settle(answered, outcome) {
  const call = waiting.get(answered);
  waiting.delete(answered);
  if (call) tell({ tell: "settled", id: call.id, ...outcome });
}

function tellMembers(room) {
  tell({ tell: "presence", room, members: [...rooms.get(room).members.values()] });
}

function send(socket, frame) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

tell({ tell: "ready", offers: [] });
for await (const line of createInterface(process.stdin)) {
  const command = JSON.parse(line);
  commands[command.do](command);
  tell({ tell: "done", do: command.do });
}
process.exit(0);
