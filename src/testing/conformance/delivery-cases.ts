import { deepEqual, equal, ok } from "node:assert/strict";
import { hasManyNodes, type CaseDefinition } from "./case.ts";
import { ampleBound, store, texts } from "./scene.ts";

/** What reaches the sinks. */
export const deliveryCases: readonly CaseDefinition[] = [
  {
    name: "delivery: every node that is subscribed gets each entry in order, the appender's own too",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      await a.broker.subscribe(room, ampleBound);
      await b.broker.subscribe(room, ampleBound);
      const all = texts("entry", 30);
      const positions = await Promise.all(all.map((data) => store(a, room, data)));
      for (const { id, heard } of [a, b]) {
        await scene.until(`30 entries at node ${id}`, () => heard.entries(room).length >= 30);
        deepEqual(heard.data(room), all);
        deepEqual(
          heard.entries(room).map(({ offset, epoch }) => ({ offset, epoch })),
          positions,
        );
      }
    },
  },
  {
    name: "delivery: what two nodes append at once comes to both in one rising order",
    needs: hasManyNodes,
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      await Promise.all([a, b].map(({ broker }) => broker.subscribe(room, ampleBound)));
      await Promise.all([
        ...texts("a", 40).map((data) => store(a, room, data)),
        ...texts("b", 40).map((data) => store(b, room, data)),
      ]);
      for (const { id, heard } of [a, b])
        await scene.until(`80 entries at node ${id}`, () => heard.entries(room).length >= 80);
      deepEqual(a.heard.entries(room), b.heard.entries(room));
    },
  },
  {
    name: "delivery: begins after the head that subscribe answers with, while others append",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const appends = texts("entry", 40).map((data) => store(a, room, data));
      const { head } = await b.broker.subscribe(room, ampleBound);
      await Promise.all([...appends, ...texts("more", 10).map((data) => store(a, room, data))]);
      await scene.until("the newest entry", () => b.heard.entries(room).at(-1)?.offset === 50);
      const after = b.heard.entries(room).filter(({ offset }) => offset > head);
      equal(after.length, 50 - head, `after head ${head}, all of 50 come`);
    },
  },
  {
    name: "delivery: subscribe says what the log holds",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const bound = { ...ampleBound, count: 3 };
      let epoch = "";
      for (const data of texts("entry", 5)) ({ epoch } = await store(a, room, data, { bound }));
      deepEqual(await b.broker.subscribe(room, bound), { epoch, base: 2, head: 5 });
    },
  },
  {
    name: "delivery: nothing that is appended after an unsubscription, until the next subscription",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const [room, other] = [scene.room(), scene.room()];
      await b.broker.subscribe(room, ampleBound);
      await b.broker.subscribe(other, ampleBound);
      await b.broker.unsubscribe(room);
      await b.broker.unsubscribe(scene.room());
      await store(a, room, "unheard");
      await store(a, other, "elsewhere");
      await scene.until("an entry of the other room", () => b.heard.data(other).length === 1);
      deepEqual(b.heard.data(room), []);
      equal((await b.broker.subscribe(room, ampleBound)).head, 1);
      await store(a, room, "heard");
      await scene.until("an entry of the room again", () => b.heard.data(room).length === 1);
      deepEqual(b.heard.entries(room)[0]?.offset, 2);
    },
  },
  {
    name: "delivery: a subscription asked for again at once, behind its end, holds",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const [, , { head }] = await Promise.all([
        b.broker.subscribe(room, ampleBound),
        b.broker.unsubscribe(room),
        b.broker.subscribe(room, ampleBound),
      ]);
      equal(head, 0);
      await store(a, room, "x");
      await scene.until("an entry", () => b.heard.data(room).length === 1);
    },
  },
  {
    name: "delivery: an append that changes nothing reaches nobody",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      const session = await scene.session(a);
      await b.broker.subscribe(room, ampleBound);
      const request = { room, data: "x", bound: ampleBound, origin: { session, ref: 2 } };
      await a.broker.append(request);
      await a.broker.append(request);
      await a.broker.append({ ...request, origin: { session, ref: 1 } });
      await store(a, room, "last");
      await scene.until("the last entry", () => b.heard.data(room).includes("last"));
      deepEqual(b.heard.data(room), ["x", "last"]);
    },
  },
  {
    name: "delivery: signals reach every node that is subscribed, and never an older one after a newer",
    run: async (scene) => {
      const [a, b] = await scene.pair();
      const room = scene.room();
      for (const { broker } of [a, b]) await broker.subscribe(room, ampleBound);
      let sent = 0;
      // One may be lost: a later one then takes its place.
      await scene.until("signals at both nodes", () => {
        sent += 1;
        a.broker.signal(room, "cursor", `${sent}`);
        return [a, b].every(({ heard }) => heard.signals(room).length > 3);
      });
      for (const { heard } of [a, b]) {
        const numbers = heard.signals(room).map(({ data }) => Number(data));
        ok(
          numbers.every((number, index) => number >= (numbers[index - 1] ?? 0)),
          `signals came in the order ${numbers.join(" ")}`,
        );
        deepEqual(new Set(heard.signals(room).map(({ key }) => key)), new Set(["cursor"]));
      }
    },
  },
];
