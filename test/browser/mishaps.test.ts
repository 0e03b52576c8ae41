import type { Locator } from "playwright-core";
import { describe, expect } from "vitest";
import { chromiumPath, startDemo, test, type Visitor } from "./visitors.ts";

const lost = "This browser keeps nothing for the page";

/** As browsers do that are told to keep nothing for a site. */
const blockStorage = `for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });`;

const fillStorage = `Storage.prototype.setItem = () => { throw new DOMException("", "QuotaExceededError"); };`;

const phone = { viewport: { width: 375, height: 667 } };
const smallPhone = { viewport: { width: 320, height: 568 } };

describe.skipIf(!chromiumPath).concurrent("the chat demo", () => {
  test("says so where the URL names no room, and leads to one", async ({ demo, visit }) => {
    const ada = await visit("Ada", `${demo.url}/#/no-such-room`);
    await ada.page.getByText("There is no room of this name").waitFor();
    expect(await ada.composer.isDisabled()).toBe(true);
    await ada.page.getByRole("link", { name: "Go to the lobby" }).click();
    await ada.page.getByRole("heading", { level: 1, name: "Lobby" }).waitFor();
    await ada.say("found it");
    await ada.message("found it", "stored").waitFor();
    expect(ada.complaints()).toEqual([]);
  });

  test("works in a browser that keeps nothing, and says what that costs", async ({ demo, visit }) => {
    for (const before of [blockStorage, fillStorage]) {
      const ada = await visit("Ada", demo.url, { before });
      await ada.page.getByRole("alert").filter({ hasText: lost }).waitFor();
      await ada.goTo("Forgetful");
      await ada.say("here");
      await ada.message("here", "stored").first().waitFor();
      expect(ada.complaints()).toEqual([]);
    }
  });

  test("begins anew where what was kept can't be read", async ({ visit }) => {
    const ada = await visit("Ada");
    await ada.goTo("Unreadable");
    await ada.page.evaluate(`for (const key of Object.keys(sessionStorage))
      if (!key.endsWith(".line")) sessionStorage.setItem(key, "{");`);
    await ada.page.reload();
    await ada.page.getByRole("heading", { level: 1, name: "Unreadable" }).waitFor();
    await ada.say("here");
    await ada.message("here", "stored").waitFor();
    expect(ada.complaints()).toEqual([]);
  });

  test("offers to open a room again that its server has forgotten", async ({ visit, onTestFinished }) => {
    const first = await startDemo();
    const [ada, grace] = [await visit("Ada", first.url), await visit("Grace", first.url)];
    await ada.goTo("Corner");
    await grace.goTo("Corner");
    await ada.cutSwitch.click();
    await ada.page.locator('#cut[aria-checked="true"]').waitFor();
    await first.kill();
    await ada.cutSwitch.click();
    await ada.page.getByText("The server doesn't answer").waitFor();

    const second = await startDemo(first.port);
    onTestFinished(() => second.kill());
    // Rather than wait for the next attempt.
    for (const { page } of [ada, grace]) await page.evaluate(`dispatchEvent(new Event("online"))`);
    // The new server knows nothing of the cut either.
    await ada.page.locator('#cut[aria-checked="false"]').waitFor();
    await ada.page.locator("#notice").getByText("This room is gone.").waitFor();
    await grace.page.locator("#notice").getByText("This room is gone.").waitFor();
    expect(await ada.composer.isDisabled()).toBe(true);
    await ada.page.getByRole("button", { name: "Open it again" }).click();
    for (const { page } of [ada, grace]) await page.locator("#composer-input:enabled").waitFor();
    await ada.say("again");
    await grace.sees("again");
    expect(ada.complaints({ isCut: true })).toEqual([]);
  });

  test("says at once that a room can't be opened offline, and else goes on in the room", async ({
    visit,
  }) => {
    const ada = await visit("Ada");
    await ada.goTo("Focus");
    await ada.page.locator("#composer-input:focus").waitFor();
    await ada.cutSwitch.click();
    await ada.status("waiting");
    await ada.page.getByLabel("Name of a new room").fill("Elsewhere");
    await ada.page.getByRole("button", { name: "Open the room" }).click();
    await ada.page.getByText("You are offline").waitFor({ timeout: 2000 });
  });

  test("keeps names in their places, however long they are", async ({ demo, visit }) => {
    const long = await visit("Wolfeschlegelsteinhausenberger", demo.url, phone);
    await long.say("hello");
    const ada = await visit("Ada", demo.url, smallPhone);
    const head = ada.page.locator(".head").filter({ hasText: long.name });
    const [name, time] = await Promise.all([box(head.locator(".head-name")), box(head.locator("time"))]);
    expect(time.top).toBeLessThan(name.bottom);
    expect(time.right).toBeLessThan(smallPhone.viewport.width);

    for (const { page } of [long, ada]) await page.getByRole("button", { name: "People and line" }).click();
    const card = await box(long.page.locator(".card").filter({ has: long.page.locator("#people") }));
    const you = await box(long.page.locator(`[data-person="${long.name}"] .person-state`));
    expect(you.right).toBeLessThan(card.right);
    for (const tile of await ada.page.locator(".stages > div").all()) expect(await overflow(tile)).toBe(0);
  });

  test("keeps the focus in an open drawer, and leaves room for fingers", async ({ demo, visit }) => {
    const ada = await visit("Ada", demo.url, phone);
    await ada.page.getByRole("button", { name: "People and line" }).click();
    const buttons = await ada.page.locator("#panel button").all();
    for (const button of buttons) expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    // Once around, past the end of the page.
    for (let n = 0; n <= buttons.length + 1; n += 1) {
      await ada.page.keyboard.press("Tab");
      expect(await ada.page.evaluate("document.activeElement.id")).not.toBe("skip");
    }
  });

  test("takes no name that can't be seen, or turns the text around it", async ({ visit }) => {
    const ada = await visit("e\u202Evil");
    await ada.page.locator("#me-name", { hasText: /^evil$/ }).waitFor();
    const name = ada.page.getByRole("textbox", { name: "Your name" });
    await ada.page.getByRole("button", { name: "Change your name" }).click();
    await name.fill("   ");
    await name.press("Enter");
    expect(await ada.page.evaluate(`document.querySelector("#name-input").validationMessage`)).toContain(
      "A name needs",
    );
    await ada.page.getByRole("button", { name: "Cancel" }).click();
    await name.waitFor({ state: "hidden" });
    await ada.page.locator("#me-name", { hasText: /^evil$/ }).waitFor();
  });

  test("is told to screen readers as one log of items, and keeps its edges in forced colours", async ({
    demo,
    visit,
  }) => {
    const ada = await visit("Ada", demo.url, { forcedColors: "active" });
    await ada.goTo("Edges");
    await ada.say("here");
    await ada.message("here", "stored").waitFor();
    const log = ada.page.getByRole("log", { name: "Conversation" });
    await log.getByRole("list").getByRole("listitem").filter({ hasText: "here" }).waitFor();
    for (const selector of [".switch-track", ".bubble", ".pill", ".me .avatar"])
      expect(await borderOf(ada, selector), selector).toBe("solid");
  });
});

async function box(locator: Locator): Promise<{ top: number; right: number; bottom: number }> {
  const { x, y, width, height } = (await locator.boundingBox())!;
  return { top: y, right: x + width, bottom: y + height };
}

/** By how many pixels what is inside is wider than the place for it. */
function overflow(locator: Locator): Promise<number> {
  return locator.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
}

async function borderOf({ page }: Visitor, selector: string): Promise<unknown> {
  return page.evaluate(`getComputedStyle(document.querySelector("${selector}")).borderTopStyle`);
}
