import { describe, expect, test } from "vitest";
import { Emitter } from "../../src/base/emitter.ts";

function bench() {
  const reported: unknown[] = [];
  const heard: string[] = [];
  const emitter = new Emitter<string>((error) => reported.push(error));
  const listen = (name: string) => emitter.on((value) => heard.push(`${name}:${value}`));
  return { emitter, reported, heard, listen };
}

describe("an emitter", () => {
  test("calls its listeners in the order they came", () => {
    const { emitter, heard, listen } = bench();
    listen("a");
    listen("b");
    emitter.emit("1");
    expect(heard).toEqual(["a:1", "b:1"]);
  });

  test("reports what a listener throws, and calls the next one all the same", () => {
    const { emitter, heard, reported, listen } = bench();
    const failure = new Error("listener");
    emitter.on(() => {
      throw failure;
    });
    listen("b");
    emitter.emit("1");
    expect(reported).toEqual([failure]);
    expect(heard).toEqual(["b:1"]);
  });

  test("lets the same function listen twice, with an undo for each", () => {
    const { emitter, heard } = bench();
    const listener = (value: string): void => void heard.push(value);
    const undo = emitter.on(listener);
    emitter.on(listener);
    undo();
    undo();
    emitter.emit("1");
    expect(heard).toEqual(["1"]);
  });

  test("tells everybody what a listener emits in turn after what it was told", () => {
    const { emitter, heard, listen } = bench();
    listen("a");
    emitter.on((value) => {
      if (value === "1") for (const next of ["2", "3"]) emitter.emit(next);
    });
    listen("c");
    emitter.emit("1");
    emitter.emit("4");
    expect(heard).toEqual(["a:1", "c:1", "a:2", "c:2", "a:3", "c:3", "a:4", "c:4"]);
  });

  test("a listener that is added or removed during a call changes only the next one", () => {
    const { emitter, heard, listen } = bench();
    const undo = emitter.on(() => {
      undo();
      listen("late");
    });
    listen("b");
    emitter.emit("1");
    expect(heard).toEqual(["b:1"]);
    emitter.emit("2");
    expect(heard).toEqual(["b:1", "b:2", "late:2"]);
  });
});
