/** The chat demo as its users meet it: the server as a process of its own, and pages in Chromium. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { test as bareTest } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The browser's path; undefined where none is installed, and then these tests are skipped. */
export const chromiumPath = process.env["SERVICE_CHROMIUM"];

interface Tools {
  /** One of each for all tests of a file. */
  readonly browser: Browser;
  readonly demo: Demo;
  /** Opens the chat for somebody, until the test is over. */
  readonly visit: (name: string, url?: string, options?: VisitOptions) => Promise<Visitor>;
}

export const test = bareTest.extend<Tools>({
  browser: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const browser = await startBrowser();
      await use(browser);
      await browser.close();
    },
    { scope: "file" },
  ],
  demo: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const demo = await startDemo();
      await use(demo);
      await demo.kill();
    },
    { scope: "file" },
  ],
  visit: async ({ browser, demo }, use) => {
    const visitors: Visitor[] = [];
    await use(async (name, url = demo.url, options = {}) => {
      const visitor = await visit(browser, url, name, options);
      visitors.push(visitor);
      return visitor;
    });
    await Promise.all(visitors.map(({ page }) => page.context().close()));
  },
});

async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath as string,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

/** The demo, running. */
export interface Demo {
  readonly url: string;
  readonly port: number;
  /** Everything it has printed. */
  output(): string;
  /** Ends it without a goodbye. */
  kill(): Promise<void>;
}

/** Starts the demo the way `npm start` does, and resolves once it has printed its URL. */
export async function startDemo(port = 0): Promise<Demo> {
  const args = ["--import", "tsx", "--conditions=bowline-source", "examples/chat/server.ts"];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, PORT: String(port), NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Also when the tests end without getting to it.
  const killNow = (): void => void child.kill("SIGKILL");
  process.once("exit", killNow);
  child.once("exit", () => process.off("exit", killNow));
  let output = "";
  child.stderr.on("data", (chunk) => (output += chunk));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      output += chunk;
      const [found] = /http:\/\/\S+/.exec(output) ?? [];
      if (found && output.endsWith("\n")) resolve(found);
    });
    child.once("exit", () => reject(new Error(`the demo ended: ${output}`)));
  });
  return { url, port: Number(new URL(url).port), output: () => output, kill: () => kill(child) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** What a browser itself reports of a line that is cut, whatever the page does. */
const cutLineReport = /^WebSocket connection to .* failed|^Failed to load resource: net::/;

/** Somebody with the chat open. */
export class Visitor {
  readonly name: string;
  readonly page: Page;
  readonly #complaints: string[] = [];

  constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.#complaints.push(message.text());
    });
  }

  /** Errors, warnings and violations of the content security policy. */
  complaints({ isCut = false } = {}): string[] {
    return this.#complaints.filter((text) => !isCut || !cutLineReport.test(text));
  }

  /** Gives a name and waits until the rooms are there. */
  async enter(): Promise<void> {
    await this.page.getByRole("textbox", { name: "Your name" }).fill(this.name);
    await this.page.getByRole("button", { name: "Come aboard" }).click();
    await this.status("open");
    await this.room("galley").waitFor({ state: "attached" });
  }

  /** Writes messages as fast as the page takes them. */
  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.composer.fill(text);
      await this.composer.press("Enter");
    }
  }

  get composer(): Locator {
    return this.page.locator("#composer-input");
  }

  get cutSwitch(): Locator {
    return this.page.getByRole("switch", { name: "Cut the line" });
  }

  room(slug: string): Locator {
    return this.page.locator(`[data-room="${slug}"]`);
  }

  message(text: string, fate?: string): Locator {
    const attribute = fate ? `[data-fate="${fate}"]` : "";
    return this.page
      .locator(`.message${attribute}`)
      .filter({ has: this.page.getByText(text, { exact: true }) });
  }

  /** Opens a room of its own for a test, or the one somebody else opened. */
  async goTo(title: string): Promise<void> {
    await this.page.getByLabel("Name of a new room").fill(title);
    await this.page.getByRole("button", { name: "Open the room" }).click();
    await this.page.getByRole("heading", { level: 1, name: title }).waitFor();
    await this.page.locator(`[data-person="${this.name}"]`).waitFor({ state: "attached" });
  }

  async sees(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  async status(state: "open" | "connecting" | "waiting" | "closed"): Promise<void> {
    await this.page.locator(`#pill[data-state="${state}"]`).waitFor();
  }

  /** Resolves when the conversation has so many messages, and all of one's own are stored. */
  async settled(count: number): Promise<void> {
    // Locators rather than a function in the page: it would need the eval that the page forbids.
    await this.page
      .locator(".message")
      .nth(count - 1)
      .waitFor({ state: "attached" });
    await this.page.locator(".message.mine:not([data-fate=stored])").first().waitFor({ state: "detached" });
  }

  /** The conversation from top to bottom. */
  async conversation(): Promise<{ id: string; text: string }[]> {
    return this.page.evaluate(
      `[...document.querySelectorAll(".message")].map((item) => ({
        id: item.dataset.id,
        text: item.querySelector(".text").textContent,
      }))`,
    );
  }

  async ownFates(): Promise<string[]> {
    return this.page.evaluate(
      `[...document.querySelectorAll(".message.mine")].map((item) => item.dataset.fate)`,
    );
  }
}

interface VisitOptions extends BrowserContextOptions {
  /** A script that runs in the page before its own. */
  readonly before?: string;
}

/** Opens the chat in a browser profile of its own, and gives a name. */
async function visit(
  browser: Browser,
  url: string,
  name: string,
  { before, ...options }: VisitOptions,
): Promise<Visitor> {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", ...options });
  if (before) await context.addInitScript({ content: before });
  const page = await context.newPage();
  const visitor = new Visitor(name, page);
  await page.goto(url);
  await visitor.enter();
  return visitor;
}
