import { createClient } from "bowline/client";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { chat } from "../../examples/chat/contract.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { chromiumPath, startDemo, test, type Visitor } from "./visitors.ts";

// Most of the time passes in waiting for heartbeats, so they wait together.
describe.skipIf(!chromiumPath).concurrent("the chat demo", () => {
  test("two visitors talk, see each other and see each other type", async ({ demo, visit }) => {
    const ada = await visit("Ada Lovelace");
    const grace = await visit("Grace Hopper");
    await ada.goTo("Talk");
    await grace.goTo("Talk");
    await ada.page.locator('[data-person="Grace Hopper"]').waitFor();
    await grace.page.locator('[data-person="Ada Lovelace"]').waitFor();

    await ada.composer.pressSequentially("He");
    await grace.page.getByText("Ada Lovelace is typing…").waitFor();
    await ada.say("Hello Grace");
    await grace.sees("Hello Grace");
    await grace.page.locator("#typing:not(.active)").waitFor({ state: "attached" });
    await grace.say("Hello Ada");
    await ada.sees("Hello Ada");
    await ada.message("Hello Grace", "stored").waitFor();

    await grace.page.context().close();
    await ada.page.locator('[data-person="Grace Hopper"]').waitFor({ state: "detached" });
    expect(ada.complaints()).toEqual([]);
    expect(grace.complaints()).toEqual([]);
    expect(demo.output()).toMatch(/^Bowline chat: http:\/\/localhost:\d+\n$/);
  });

  test("a first visitor can type at once, is told what to try, and finds addresses as links", async ({
    visit,
  }) => {
    // Once each would tell little: it is a matter of which comes first, the focus or the room.
    for (const name of ["Ada", "Grace", "Mika", "Alan"]) {
      const visitor = await visit(name);
      await visitor.page.locator("#composer-input:focus").waitFor();
    }
    const noor = await visit("Noor");
    await noor.goTo("Tour");
    const step = (text: string) => noor.page.locator("#tour li", { hasText: text });
    expect(await step("Cut the line").and(noor.page.locator(".done")).count()).toBe(0);
    await noor.say("(see https://example.com/a_(b)?c=d#e, or <b>http://</b>)");
    const link = noor.page.locator(".text a");
    expect(await link.getAttribute("href")).toBe("https://example.com/a_(b)?c=d#e");
    expect(await link.getAttribute("rel")).toContain("noopener");
    expect((await noor.conversation())[0]?.text).toBe(
      "(see https://example.com/a_(b)?c=d#e, or <b>http://</b>)",
    );

    await (await visit("Omar")).goTo("Tour");
    await step("second window").and(noor.page.locator(".done")).waitFor();
    await noor.cutSwitch.click();
    await noor.say("waits");
    await step("Cut the line").and(noor.page.locator(".done")).waitFor();
    await noor.cutSwitch.click();
    await step("Mend it").and(noor.page.locator(".done")).waitFor();
  });

  test("people look at one room at a time", async ({ visit }) => {
    const ada = await visit("Ada");
    const grace = await visit("Grace");
    await ada.goTo("Here");
    await grace.goTo("Here");
    const person = ada.page.locator('[data-person="Grace"]');
    await person.and(ada.page.locator(":not(.away)")).waitFor();
    await grace.room("lobby").click();
    await person.and(ada.page.locator(".away")).waitFor();
  });

  test("who comes later reads what was said before, and what is said elsewhere is marked as unread", async ({
    visit,
  }) => {
    const ada = await visit("Ada");
    await ada.goTo("Before");
    await ada.say("one", "two", "three");
    await ada.settled(3);

    const mika = await visit("Mika");
    await mika.goTo("Before");
    await mika.sees("three");
    expect(await mika.conversation()).toEqual(await ada.conversation());

    await mika.room("lobby").click();
    await mika.page.getByRole("heading", { level: 1, name: "Lobby" }).waitFor();
    await ada.say("four", "five");
    await mika.room("before").locator(".badge", { hasText: "2" }).waitFor();
    await mika.room("before").click();
    await mika.sees("five");
    await mika.page.locator('[data-divider="new"]').waitFor();
    await mika.room("before").locator(".badge").waitFor({ state: "hidden" });
    expect(mika.complaints()).toEqual([]);
  });

  test("a line cut with the page's own switch loses, repeats and reorders nothing", async ({ visit }) => {
    const ada = await visit("Ada");
    const grace = await visit("Grace");
    await ada.goTo("Cut");
    await grace.goTo("Cut");
    await severe(ada, grace, {
      cut: () => ada.cutSwitch.click(),
      whileCut: async () => {
        await ada.status("waiting");
        await ada.page.getByText(/Next try in \d+ s/).waitFor();
        await ada.say("queued");
        await ada.message("queued", "queued").waitFor();
      },
      mend: () => ada.cutSwitch.click(),
    });
  });

  test("so does a network that goes silent", async ({ demo, visit, onTestFinished }) => {
    const proxy = await startFaultProxy({ port: demo.port });
    onTestFinished(() => proxy.close());
    const ada = await visit("Ada", `http://127.0.0.1:${proxy.port}/`);
    const grace = await visit("Grace");
    await ada.goTo("Silence");
    await grace.goTo("Silence");
    await severe(ada, grace, {
      cut: async () => proxy.freeze(),
      whileCut: async () => {
        await ada.page.locator("#notice:not([hidden])").waitFor();
        await ada.say("queued");
        await ada.message("queued", "queued").waitFor();
      },
      mend: async () => proxy.thaw(),
    });
  });

  test("so does a connection that is closed again and again", async ({ visit }) => {
    const ada = await visit("Ada");
    const grace = await visit("Grace");
    await ada.goTo("Close");
    await grace.goTo("Close");
    const close = ada.page.getByRole("button", { name: "Close it once" });
    for (let round = 0; round < 3; round++) {
      await ada.say(`a${round}`, `b${round}`);
      await close.click();
      await ada.say(`c${round}`);
      await grace.say(`d${round}`);
      await ada.status("open");
    }
    await Promise.all([ada.settled(12), grace.settled(12)]);
    await expectSame(ada, grace, 12);
  });

  test("what is queued survives a reload of the page", async ({ visit }) => {
    const ada = await visit("Ada");
    const grace = await visit("Grace");
    await ada.goTo("Reload");
    await grace.goTo("Reload");
    await ada.say("before");
    await grace.sees("before");
    await ada.cutSwitch.click();
    await ada.status("waiting");
    await ada.say("first", "second");
    await ada.page.reload();
    await ada.page.locator('#cut[aria-checked="true"]').waitFor();
    // The room, and what waits there, are shown without a server.
    await ada.page.getByRole("heading", { level: 1, name: "Reload" }).waitFor();
    await ada.room("galley").waitFor();
    expect((await ada.conversation()).map(({ text }) => text)).toEqual(["first", "second"]);
    await ada.say("third");
    await ada.message("third", "queued").waitFor();
    await grace.say("meanwhile");
    await ada.cutSwitch.click();
    await Promise.all([ada.settled(5), grace.settled(5)]);
    await expectSame(ada, grace, 5);
    expect(ada.complaints({ isCut: true })).toEqual([]);
  });

  test("who missed more than the room keeps is told so", async ({ demo, visit, onTestFinished }) => {
    const ada = await visit("Ada");
    await ada.goTo("Gap");
    await ada.say("before");
    await ada.message("before", "stored").waitFor();
    await ada.cutSwitch.click();
    await ada.status("waiting");

    const url = `${demo.url.replace("http", "ws")}/bowline?line=a-busy-writer`;
    const writer = createClient(chat, { url, token: "Busy", WebSocket });
    onTestFinished(() => writer.close());
    const room = writer.join("chat/gap", { presence: { away: false } });
    // The node itself remembers some more than the log is bound to.
    const { count } = chat.rooms["chat/:slug"].history;
    await Promise.all(
      Array.from({ length: count + 100 }, (_, index) => room.publish("message", { text: `${index}` })),
    );

    await ada.cutSwitch.click();
    await ada.page.getByText("Messages are missing: you were away longer").waitFor();
    await room.publish("message", { text: "after" });
    await ada.sees("after");
    await ada.sees("before");
  });

  test("a narrow window and a keyboard are enough", async ({ demo, visit }) => {
    const ada = await visit("Ada", demo.url, { viewport: { width: 390, height: 844 } });
    const { page } = ada;
    await page.keyboard.press("Tab");
    await page.locator(".skip:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#composer-input:focus").waitFor();
    expect(new URL(page.url()).hash).toBe("");

    await page.getByRole("button", { name: "Rooms" }).press("Enter");
    await page.locator("#sidebar :focus").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#open-sidebar:focus").waitFor();
    await page.locator("#sidebar").waitFor({ state: "hidden" });

    await page.getByRole("button", { name: "Rooms" }).press("Enter");
    await ada.room("galley").press("Enter");
    await page.getByRole("heading", { level: 1, name: "Galley" }).waitFor();
    await page.locator("#sidebar").waitFor({ state: "hidden" });
    await ada.composer.pressSequentially("one");
    await ada.composer.press("Shift+Enter");
    await ada.composer.pressSequentially("two");
    await ada.composer.press("Enter");
    await ada.settled(1);
    expect((await ada.conversation()).map(({ text }) => text)).toEqual(["one\ntwo"]);
    expect(ada.complaints()).toEqual([]);
  });

  test("a server that starts anew is a gap too, and what was queued still goes out", async ({
    visit,
    onTestFinished,
  }) => {
    const first = await startDemo();
    const ada = await visit("Ada", first.url);
    await ada.say("before");
    const grace = await visit("Grace", first.url);
    await grace.say("seen");
    await ada.sees("seen");
    await first.kill();
    await ada.status("waiting");
    await ada.say("queued");
    const second = await startDemo(first.port);
    onTestFinished(() => second.kill());
    await ada.message("queued", "stored").waitFor();
    await ada.page.getByText("The server has begun a new log").waitFor();
    expect((await ada.conversation()).map(({ text }) => text)).toEqual(["before", "seen", "queued"]);
    await ada.room("lobby").locator(".badge").waitFor({ state: "hidden" });
    expect(ada.complaints({ isCut: true })).toEqual([]);
  });
});

interface Fault {
  readonly cut: () => Promise<void>;
  readonly whileCut: () => Promise<void>;
  readonly mend: () => Promise<void>;
}

/** Cuts Ada's line in the middle of a burst, lets both go on, mends it, and compares. */
async function severe(ada: Visitor, grace: Visitor, { cut, whileCut, mend }: Fault): Promise<void> {
  await ada.say("a1", "a2", "a3");
  await grace.say("g1", "g2", "g3");
  const burst = ada.say("a4", "a5", "a6", "a7", "a8");
  await ada.message("a5").waitFor();
  await Promise.all([burst, cut()]);
  await ada.say("a9", "a10");
  await grace.say("g4", "g5");
  await ada.message("a10", "sent").waitFor();
  await whileCut();
  await grace.say("g6");
  await grace.message("g6", "stored").waitFor();
  await mend();
  await Promise.all([ada.say("a11"), grace.say("g7")]);
  await Promise.all([ada.settled(19), grace.settled(19)]);
  await expectSame(ada, grace, 19);
  expect(ada.complaints({ isCut: true })).toEqual([]);
  expect(grace.complaints()).toEqual([]);
}

/** Both see the same messages, once each, in the same order, in which each one's own keep theirs. */
async function expectSame(ada: Visitor, grace: Visitor, count: number): Promise<void> {
  const seen = await ada.conversation();
  expect(await grace.conversation()).toEqual(seen);
  expect(seen).toHaveLength(count);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(count);
  for (const visitor of [ada, grace]) {
    const fates = await visitor.ownFates();
    expect(new Set(fates)).toEqual(new Set(["stored"]));
  }
}
