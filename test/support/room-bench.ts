import * as z from "zod";
import { errorAbout } from "../../src/client/call-site.ts";
import type { JoinOptions } from "../../src/client/join-options.ts";
import { JoinedRoom } from "../../src/client/joined-room.ts";
import { RoomState } from "../../src/client/room.ts";
import * as contract from "../../src/contract/contract.ts";
import { BowlineError } from "../../src/protocol/errors.ts";
import type { Position } from "../../src/protocol/frames.ts";
import { FakeClock } from "./fake-clock.ts";
import type { WireFrame } from "./pair.ts";

export const forbidden: BowlineError = new BowlineError("FORBIDDEN", "no");
export const tooLarge: BowlineError = new BowlineError("PAYLOAD_TOO_LARGE", "no");

/** A room with one who has joined it, over a client that the test has in its hand. */
export function roomBench(options: JoinOptions = {}) {
  const sent: WireFrame[] = [];
  const log: string[] = [];
  let isOpen = true;
  const client = { lengthMax: Infinity };
  const clock = new FakeClock();
  const report = (error: unknown): void => void log.push(`reported ${String(error)}`);
  const definition = contract.room({
    events: { n: contract.event(z.any()), typing: contract.signal(z.any()) },
  });
  const state = new RoomState(
    {
      identity: { stored: { id: "me" } },
      definition: () => definition,
      clock,
      report,
      publish: () => {
        throw new Error("no client");
      },
      isOpen: () => isOpen,
      send: (text) => {
        if (text.length > client.lengthMax) throw tooLarge;
        sent.push(JSON.parse(text) as WireFrame);
      },
      connection: { giveUp: () => log.push("resync") },
      roomStates: { delete: () => log.push("forgotten") },
      log: false,
    },
    "r",
  );
  const face = new JoinedRoom(state, options, state.enter(options), errorAbout);
  log.length = 0;
  face.onStatus(({ state: name }) => log.push(name));
  face.onGap(({ reason, position }) => log.push(`gap ${reason} ${position.offset}`));
  face.onError(({ code }) => log.push(`error ${code}`));
  const heard: number[] = [];
  face.on("n", ({ position }: { position: Position }) => void heard.push(position.offset));
  /** The turn of the event loop ends. */
  const turn = (): void => clock.runDeferred();
  turn();

  const joined = (offset = 0, epoch = "e"): void => {
    state.receive({ type: "joined", room: "r", position: { offset, epoch }, head: offset });
    turn();
  };
  const event = (offset: number, name = "n"): void =>
    state.receive({
      type: "event",
      room: "r",
      offset,
      id: `x-${offset}`,
      event: name,
      from: "ada",
      at: 5,
      payload: offset,
    });
  const left = (): void => state.receive({ type: "left", room: "r" });
  const gap = (offset: number, epoch = "e"): void =>
    state.receive({ type: "gap", room: "r", position: { offset, epoch }, head: offset, reason: "trimmed" });
  const signal = (session: string): void =>
    state.receive({ type: "signal", room: "r", event: "typing", from: "ada", session, payload: 1 });
  const offline = (): void => {
    isOpen = false;
    state.lost();
  };
  const online = (): void => {
    isOpen = true;
    state.join();
  };
  const types = (): string[] => sent.map(({ type }) => type);
  /** The last one in is out. */
  const leave = (): void => {
    face.leave();
    turn();
  };
  return {
    room: state,
    face,
    leave,
    turn,
    client,
    sent,
    log,
    heard,
    joined,
    event,
    left,
    gap,
    signal,
    offline,
    online,
    types,
  };
}
