import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TimerWheel, type WheelItem } from "../../src/base/timer-wheel.ts";
import { FakeClock } from "../support/fake-clock.ts";

class Item implements WheelItem {
  wheelSlot = -1;
  wheelIndex = -1;
  wheelTick = -1;
  readonly woken: number[] = [];
  readonly #clock: FakeClock;
  readonly #onDue: () => void;

  constructor(clock: FakeClock, onDue: () => void = () => {}) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  due(): void {
    this.woken.push(this.#clock.elapsed());
    this.#onDue();
  }
}

function turningWheel() {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  wheel.start();
  return { clock, wheel };
}

describe("a timer wheel", () => {
  test("wakes an item once", async () => {
    const { clock, wheel } = turningWheel();
    const item = new Item(clock);
    wheel.add(item, 3000);
    await clock.advance(2999);
    expect(item.woken).toHaveLength(0);
    await clock.advance(1);
    expect(item.woken).toHaveLength(1);
    await clock.advance(300_000);
    expect(item.woken).toHaveLength(1);
  });

  test("wakes an item no earlier than asked, and at most a second late", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5000), fc.integer({ min: 1, max: 100_000 }), async (startMs, delayMs) => {
        const { clock, wheel } = turningWheel();
        await clock.advance(startMs);
        const item = new Item(clock);
        const addedMs = clock.elapsed();
        wheel.add(item, delayMs);
        await clock.advance(delayMs + 1000);
        expect(item.woken).toHaveLength(1);
        const tookMs = (item.woken[0] as number) - addedMs;
        expect(tookMs).toBeGreaterThanOrEqual(delayMs);
        expect(tookMs).toBeLessThanOrEqual(delayMs + 1000);
      }),
      { numRuns: 30 },
    );
  });

  test("never wakes an item that was removed, whatever else was", async () => {
    const { clock, wheel } = turningWheel();
    const items = Array.from({ length: 50 }, () => new Item(clock));
    for (const item of items) wheel.add(item, 2000);
    for (const [index, item] of items.entries()) if (index % 3 === 0) wheel.remove(item);
    await clock.advance(5000);
    for (const [index, item] of items.entries()) expect(item.woken).toHaveLength(index % 3 === 0 ? 0 : 1);
  });

  test("an item added again waits anew, and is woken once", async () => {
    const { clock, wheel } = turningWheel();
    const item = new Item(clock);
    wheel.add(item, 2000);
    await clock.advance(1000);
    wheel.add(item, 5000);
    await clock.advance(4000);
    expect(item.woken).toHaveLength(0);
    await clock.advance(2000);
    expect(item.woken).toHaveLength(1);
  });

  test("an item may put itself back from its own call", async () => {
    const { clock, wheel } = turningWheel();
    const item: Item = new Item(clock, () => wheel.add(item, 1000));
    wheel.add(item, 1000);
    await clock.advance(10_000);
    expect(item.woken).toHaveLength(10);
  });

  test("wakes a wait longer than its ring when it is due, and not before", async () => {
    const { clock, wheel } = turningWheel();
    const item = new Item(clock);
    wheel.add(item, 600_000);
    await clock.advance(599_000);
    expect(item.woken).toHaveLength(0);
    await clock.advance(2000);
    expect(item.woken).toHaveLength(1);
  });

  test("wakes everybody once after the machine slept for longer than the ring", async () => {
    const { clock, wheel } = turningWheel();
    const items = [1000, 50_000, 127_000].map((delayMs) => {
      const item = new Item(clock);
      wheel.add(item, delayMs);
      return item;
    });
    await clock.sleep(3_600_000);
    for (const item of items) expect(item.woken).toHaveLength(1);
  });

  test("costs one timer, however much waits, and none once stopped", () => {
    const { clock, wheel } = turningWheel();
    for (let count = 0; count < 100; count += 1) wheel.add(new Item(clock), count * 100);
    wheel.start();
    expect(clock.timerCount).toBe(1);
    wheel.stop();
    expect(clock.timerCount).toBe(0);
  });
});
